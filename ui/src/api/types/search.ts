// What is found by words or numbers, of any kind.
import type { Schemas } from './schemas'

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

export type SearchHit = Schemas['SearchHit']
