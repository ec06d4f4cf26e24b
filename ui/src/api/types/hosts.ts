// Hosts and their keys.
import type { Timestamp } from './common'
import type { SecretRef } from './declared'

export const HOST_CHECK_CODES = [
  'ok',
  'unreachable',
  'denied',
  'host_key_unknown',
  'host_key_changed',
  'refused',
] as const
export type HostCheckCode = (typeof HOST_CHECK_CODES)[number]

export interface HostCheck {
  at: Timestamp
  ok: boolean
  detail: string
  /** Of a key that a person has to look at. */
  fingerprint: string | null
  code: HostCheckCode
}

export interface Host {
  name: string
  kind: 'ssh' | 'local'
  address: string | null
  port: number | null
  user: string | null
  labels: string[]
  category: string | null
  environments: string[]
  host_key_fingerprint: string | null
  jump: string[]
  check: HostCheck | null
}

/** What `[[host]]` says, without its name. */
export interface HostForm {
  kind?: 'local'
  address?: string
  port?: number
  user?: string
  jump?: string[]
  labels?: string[]
  category?: string
  environments?: string[]
  host_key?: string
  private_key?: SecretRef
  agent?: boolean
}

export const SCAN_STATUSES = ['new', 'same', 'changed', 'failed'] as const
export type ScanStatus = (typeof SCAN_STATUSES)[number]

export interface KeyScan {
  host: string
  fingerprint: string | null
  status: ScanStatus
  detail: string
}

export interface KeyImport {
  pinned: string[]
  conflicts: string[]
  unknown: number
}
