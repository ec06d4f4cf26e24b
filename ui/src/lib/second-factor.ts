// What people type to show that an account is theirs.
import type { Ownership } from '@/api/types'

/** A code without the spaces that apps show and people type. */
export function compact(text: string): string {
  return text.replaceAll(/\s/g, '')
}

/** Whether this looks like a code of an app: six digits. */
export function isCode(text: string): boolean {
  return /^\d{6}$/.test(compact(text))
}

/** Six digits are a code; anything else is the password, to the letter. */
export function ownershipOf(text: string): Ownership {
  return isCode(text) ? { code: compact(text) } : { password: text }
}
