// The command palette without its looks: whether it is open, what an entry is, and which entries answer what was typed.
import { type Component, ref } from 'vue'
import type { RouteLocationRaw } from 'vue-router'

export const paletteOpen = ref(false)
export const shortcutsOpen = ref(false)

export const GROUPS = ['recent', 'action', 'page', 'found'] as const
export type Group = (typeof GROUPS)[number]

/** Something the palette leads to: a page (`to`), an address beside the app (`href`) or a deed (`run`). */
export interface Entry {
  id: string
  group: Group
  icon: Component
  title: string
  detail?: string
  /** Words it is found by besides its title, in any language. */
  also?: string
  /** The keys that do the same. */
  keys?: string
  to?: RouteLocationRaw
  href?: string
  run?: () => void
  /** Done only when it is asked for twice: whoever looks for a log must not be logged out. */
  twice?: boolean
}

/** The entries that hold every word of `text`, the best first; all of them when there is no text. */
export function matching(entries: readonly Entry[], text: string): Entry[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  return entries
    .map(entry => ({ entry, score: scoreOf(entry, words) }))
    .filter(({ score }) => score !== null)
    .sort((a, b) => (b.score ?? 0) - (a.score ?? 0))
    .map(({ entry }) => entry)
}

/** How well an entry answers: higher is better, null is not at all. */
function scoreOf(entry: Entry, words: string[]): number | null {
  const [title, rest] = [entry.title.toLowerCase(), `${entry.also ?? ''} ${entry.detail ?? ''}`.toLowerCase()]
  let total = 0
  for (const word of words) {
    const score = Math.max(place(title, word), place(rest, word) / 2, initials(title, word))
    if (score === 0) return null
    total += score
  }
  return total
}

/** At the beginning, at the beginning of a word, or somewhere. */
function place(text: string, word: string): number {
  const at = text.indexOf(word)
  if (at < 0) return 0
  if (at === 0) return text.length === word.length ? 100 : 80
  return wordsOf(text).some(part => part.startsWith(word)) ? 60 : 40
}

/** The initials of the title, as people abbreviate: "nr" is "New request". */
function initials(title: string, word: string): number {
  if (word.length < 2) return 0
  const letters = wordsOf(title).map(part => part.charAt(0))
  return letters.join('').startsWith(word) ? 20 : 0
}

function wordsOf(text: string): string[] {
  return text.split(/[^\p{L}\p{N}]+/u)
}

/** The entry that the arrow keys reach from here; it goes round. */
export function stepped(count: number, here: number, by: number): number {
  return count === 0 ? -1 : (((here + by) % count) + count) % count
}
