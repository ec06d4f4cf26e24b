import type { Environment } from '@/api/types'

/** For environments whose configuration names none: calm, apart from each other, and none of the colours of states. */
const FALLBACKS = ['#4f86c6', '#3d9a8b', '#b3863b', '#8a6bbf', '#c0657f', '#7a8b3f'] as const

/** The colour of an environment, the same on every page, by its place in the order of all of them. */
export function environmentColour(key: string, all: readonly Environment[]): string {
  const position = all.findIndex(environment => environment.key === key)
  const known = all[position]
  if (!known) return 'var(--line-strong)'
  return known.color || (FALLBACKS[position % FALLBACKS.length] ?? FALLBACKS[0])
}
