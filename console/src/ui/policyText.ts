/** What can be said of a policy document without the server: whether it is JSON, and on which line it is not. */

/** Where and why a text is not JSON; nothing where it is. */
export function jsonFault(text: string): { message: string; line: number } | undefined {
  try {
    JSON.parse(text)
    return undefined
  } catch (reason) {
    const message = reason instanceof Error ? reason.message : String(reason)
    return { message: `This is not JSON: ${message}`, line: lineOf(text, reason) }
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
