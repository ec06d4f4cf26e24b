// The one rule for passwords. The server checks it again.

export const SHORTEST_PASSWORD = 12

export type PasswordFlaw = 'short' | 'repetitive' | 'sameAsName'

/** What is wrong with a password, or null. Length counts, not punctuation; a few letters over and over do not. */
export function passwordFlaw(password: string, name: string): PasswordFlaw | null {
  if ([...password].length < SHORTEST_PASSWORD) return 'short'
  if (new Set(password.toLowerCase()).size < 5) return 'repetitive'
  if (name.length >= 3 && password.toLowerCase().replaceAll(name.toLowerCase(), '').length < 6) return 'sameAsName'
  return null
}
