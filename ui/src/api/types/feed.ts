// Who did what, when and from where.
import type { Timestamp } from './common'

export interface FeedEntry {
  id: number
  at: Timestamp
  actor: string
  /** An address, `token:NAME`, `chat:ID`, `cli` or `forge:ID`; null: davit itself. */
  origin: string | null
  action: string
  subject: string
  app: string | null
  environment: string | null
  /** May hold `before` and `after`. */
  detail: unknown
  /** Whether it is part of the chain that shows later changes. */
  sealed: boolean
  /** Where in the chain, once it is sealed. */
  position: number | null
}
