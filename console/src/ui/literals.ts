/** Values as other languages write them. */

/** A Python literal of strings, numbers, booleans, lists and objects. JSON's string syntax is valid Python. */
export function python(value: unknown, depth = 0): string {
  const inner = '    '.repeat(depth + 1)
  const outer = '    '.repeat(depth)
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]'
    return `[\n${value.map((item) => `${inner}${python(item, depth + 1)},\n`).join('')}${outer}]`
  }
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    const flat = entries.every(([, member]) => typeof member !== 'object')
    const members = entries.map(([name, member]) => `${JSON.stringify(name)}: ${python(member, depth + 1)}`)
    return flat ? `{${members.join(', ')}}` : `{\n${members.map((line) => `${inner}${line},\n`).join('')}${outer}}`
  }
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  return JSON.stringify(value)
}

/** One word for a POSIX shell. */
export function shell(text: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(text)) return text
  return `'${text.replaceAll("'", `'\\''`)}'`
}
