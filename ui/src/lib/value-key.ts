/** Whether a text can name a value: what a shell takes as a variable. */
export function isValueKey(text: string): boolean {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text)
}
