// Shells on hosts, opened in the browser and recorded.
import type { Schemas } from './schemas'

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
  'unrecorded',
  'lost',
  'disconnected',
  'unreachable',
] as const
/** Why a terminal ended. */
export type TerminalEnd = (typeof TERMINAL_ENDS)[number]

export type Terminal = Schemas['TerminalView']

/** What the server says between the bytes. */
export type TerminalMessage =
  | { type: 'ready' }
  | { type: 'idle'; seconds: number }
  | { type: 'exit'; code: number | null; reason: string }
  | { type: 'error'; message: string }
