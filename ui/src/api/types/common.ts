// What answers have in common: pages and problems.
import type { Schemas } from './schemas'

export interface Page<T> {
  items: T[]
  /** The cursor of the next page; null: this was the last one. */
  next: string | null
}

/** Why a call failed; a proxy in between may leave out all but the code. */
export type Problem = Partial<Schemas['Problem']> & { code: string }
export type ProblemLine = Schemas['Mistake']
