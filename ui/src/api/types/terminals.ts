// Shells on hosts, opened in the browser and recorded.
import type { Timestamp } from './common'

export const TERMINAL_STATES = ['waiting', 'open', 'closed'] as const
export type TerminalState = (typeof TERMINAL_STATES)[number]

export const TERMINAL_ENDS = [
  'exited',
  'idle',
  'longest',
  'ended',
  'signed_out',
  'denied',
  'draining',
  'too_big',
  'lost',
  'disconnected',
] as const
/** Why a terminal ended. */
export type TerminalEnd = (typeof TERMINAL_ENDS)[number]

export interface Terminal {
  id: number
  host: string
  user: string
  state: TerminalState
  opened_at: Timestamp
  closed_at: Timestamp | null
  reason: TerminalEnd | null
  /** Who ended it, when somebody did. */
  ended_by: string | null
  exit_code: number | null
  /** How much it wrote. */
  bytes: number
  recorded: boolean
  mine: boolean
  may_end: boolean
  may_play: boolean
}

/** What the server says between the bytes. */
export type TerminalMessage =
  | { type: 'ready' }
  | { type: 'idle'; seconds: number }
  | { type: 'exit'; code: number | null; reason: string }
  | { type: 'error'; message: string }
