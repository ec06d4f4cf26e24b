/** JSON laid out to be read; what is not JSON (a form, a cut-off body) as it came. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}
