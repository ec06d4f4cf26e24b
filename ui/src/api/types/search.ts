// What is found by words or numbers, of any kind.

export const SEARCH_KINDS = [
  'app',
  'environment',
  'host',
  'request',
  'deployment',
  'run',
  'change',
  'forge',
  'person',
  'group',
] as const
export type SearchKind = (typeof SEARCH_KINDS)[number]

export interface SearchHit {
  kind: SearchKind
  /** Its name in addresses: a key, a name or a number. */
  key: string
  title: string
  /** What tells it from others of its name. */
  detail: string
  /** Of requests, deployments, runs and changes. */
  state: string | null
  /** When it was made or last changed; of the same. */
  at: string | null
}
