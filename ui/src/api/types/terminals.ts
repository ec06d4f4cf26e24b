// Shells on hosts, opened in the browser and recorded.
import type { Timestamp } from './common'

export interface Terminal {
  id: number
  host: string
  user: string
  opened_at: Timestamp
  closed_at: Timestamp | null
  /** Why it ended. */
  reason: string | null
  bytes: number
  recorded: boolean
}

/** What the server says between the bytes. */
export type TerminalMessage =
  | { type: 'exit'; code?: number | null; reason?: string | null }
  | { type: 'idle'; seconds: number }
