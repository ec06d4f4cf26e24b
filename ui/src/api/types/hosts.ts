// Hosts and their keys.
import type { SecretRef } from './declared'
import type { Schemas } from './schemas'

export const HOST_CHECK_CODES = [
  'ok',
  'unreachable',
  'denied',
  'host_key_unknown',
  'host_key_changed',
  'refused',
] as const
export type HostCheckCode = (typeof HOST_CHECK_CODES)[number]

export type HostKind = Schemas['HostKind']
export type HostCheck = Schemas['CheckView']
export type Host = Schemas['HostView']

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

export type KeyScan = Schemas['KeyScanView']
export type KeyImport = Schemas['KeyImportView']
