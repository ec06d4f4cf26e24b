const INDENT = '  '
/** Strings as a whole, and the signs that lay a document out; everything else (numbers, words) passes as it is. */
const PIECES = /"(?:[^"\\]|\\.)*"|[[\]{},:]|[^\s"[\]{},:]+/g

/** JSON laid out to be read, every number and key as it was sent; what is not JSON (a form, a cut-off body) as it came. */
export function prettyJson(text: string): string {
  if (!isJson(text)) return text
  let depth = 0
  let out = ''
  let previous = ''
  const line = () => `\n${INDENT.repeat(depth)}`
  for (const [piece] of text.matchAll(PIECES)) {
    const closes = piece === '}' || piece === ']'
    const isFirst = previous === '{' || previous === '['
    if (closes) depth -= 1
    if (closes ? !isFirst : isFirst || previous === ',') out += line()
    out += piece === ':' ? ': ' : piece
    if (piece === '{' || piece === '[') depth += 1
    previous = piece
  }
  return out
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
