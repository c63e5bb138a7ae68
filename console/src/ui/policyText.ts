/** What can be said of a policy document before the server sees it. */

export interface Finding {
  message: string
  /** 1-based, where it is known. */
  line?: number
}

const TOP = new Set(['Version', 'Id', 'Statement'])
const ELEMENTS = new Set([
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
])

/** What is wrong with a policy; empty where nothing is found. The server has the last word. */
export function check(text: string): Finding[] {
  if (text.trim() === '') return [{ message: 'The policy is empty.' }]
  let document: unknown
  try {
    document = JSON.parse(text)
  } catch (reason) {
    const message = reason instanceof Error ? reason.message : String(reason)
    return [{ message: `This is not JSON: ${message}`, line: lineOf(text, reason) }]
  }
  if (!isObject(document)) return [{ message: 'A policy is a JSON object.' }]
  const findings: Finding[] = []
  const say = (message: string, word?: string) => {
    const line = word === undefined ? 0 : text.split('\n').findIndex((one) => one.includes(`"${word}"`)) + 1
    findings.push({ message, ...(line > 0 ? { line } : {}) })
  }
  for (const name of Object.keys(document)) {
    if (!TOP.has(name)) say(`\`${name}\` is no element of a policy.`, name)
  }
  const version = document['Version']
  if (version === undefined) say('Without `"Version": "2012-10-17"` policy variables are plain text.')
  else if (version !== '2012-10-17' && version !== '2008-10-17') say('`Version` is the date of the language: 2012-10-17.', 'Version')
  const statements = document['Statement']
  if (statements === undefined) say('The policy has no `Statement`.')
  const all = Array.isArray(statements) ? statements : statements === undefined ? [] : [statements]
  if (Array.isArray(statements) && statements.length === 0) say('The policy has no statements.', 'Statement')
  all.forEach((statement: unknown, index) => checkStatement(statement, index + 1, say))
  return findings
}

function checkStatement(statement: unknown, number: number, say: (message: string, word?: string) => void): void {
  if (!isObject(statement)) return say(`Statement ${number} is not an object.`)
  const where = typeof statement['Sid'] === 'string' ? `Statement ${number} (${statement['Sid']})` : `Statement ${number}`
  for (const name of Object.keys(statement)) {
    if (!ELEMENTS.has(name)) say(`${where}: \`${name}\` is no element of a statement.`, name)
  }
  const effect = statement['Effect']
  if (effect !== 'Allow' && effect !== 'Deny') say(`${where}: \`Effect\` must be Allow or Deny.`, 'Effect')
  for (const name of ['Action', 'Resource', 'Principal']) {
    if (statement[name] !== undefined && statement[`Not${name}`] !== undefined) {
      say(`${where} has both \`${name}\` and \`Not${name}\`.`, `Not${name}`)
    }
  }
  const actions = [statement['Action'] ?? statement['NotAction']].flat()
  if (actions[0] === undefined) say(`${where} has no \`Action\`.`)
  for (const action of actions) {
    if (typeof action === 'string' && action !== '*' && !/^[\w-]+:[\w*?-]+$/.test(action)) {
      say(`${where}: \`${action}\` is not \`service:Action\`.`, action)
    }
  }
  for (const resource of [statement['Resource'] ?? statement['NotResource'] ?? []].flat()) {
    if (typeof resource === 'string' && resource !== '*' && resource.split(':').length < 6) {
      say(`${where}: \`${resource}\` is neither \`*\` nor an ARN.`, resource)
    }
  }
}

/** The same document with two spaces of indentation; as it is where it is not JSON. */
export function format(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

/** The line of a JSON error. Browsers name the line, the position, or neither: then it is the first line that no text
 * could carry on. */
function lineOf(text: string, reason: unknown): number {
  const message = String(reason)
  const line = /line (\d+)/.exec(message)?.[1]
  if (line) return Number(line)
  const position = positionOf(message)
  if (position !== undefined) return text.slice(0, position).split('\n').length
  const lines = text.split('\n')
  const bad = lines.findIndex((_, index) => !canGoOn(lines.slice(0, index + 1).join('\n')))
  return bad < 0 ? lines.length : bad + 1
}

/** Whether a text that is not JSON only lacks its end. */
function canGoOn(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch (reason) {
    const position = positionOf(String(reason))
    return position === undefined ? /end of (JSON|data)/i.test(String(reason)) : position >= text.trimEnd().length
  }
}

function positionOf(message: string): number | undefined {
  const position = /position (\d+)/.exec(message)?.[1]
  return position === undefined ? undefined : Number(position)
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
