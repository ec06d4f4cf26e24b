// Values and secrets that deployments run with, from everywhere down to one app in one environment.
import type { Timestamp } from './common'

export const VALUE_KINDS = ['plain', 'secret', 'env', 'file'] as const
export type ValueKind = (typeof VALUE_KINDS)[number]

export const VALUE_LEVELS = ['global', 'app', 'environment'] as const
export type ValueLevel = (typeof VALUE_LEVELS)[number]

/** Where values hold: everywhere, in one app, or in one app's environment. */
export interface ValueScope {
  app?: string
  environment?: string
}

export interface ValueItem {
  key: string
  kind: ValueKind
  /** The text, or the name of what is read on the server; null for secrets, and for who may not read it. */
  value: string | null
  from: ValueLevel
  /** Whether it takes the place of a wider one. */
  overrides: boolean
  updated_by: string
  updated_at: Timestamp
}

export interface Values {
  scope: ValueLevel
  /** 0: nothing was saved yet. */
  revision: number
  /** What the reader may set here: texts and secrets, or what is read on the server. */
  may: { plain: boolean; reference: boolean }
  items: ValueItem[]
}

export interface ValuesChange extends ValueScope {
  base_revision: number
  set: Record<string, { kind: ValueKind; value: string }>
  remove: string[]
}

export const VALUE_CHANGES = ['set', 'changed', 'removed'] as const

export interface ValueChange {
  key: string
  change: (typeof VALUE_CHANGES)[number]
  /** What it is, or was before it was removed. */
  kind: ValueKind
  before: string | null
  after: string | null
}

export interface ValuesRevision {
  revision: number
  at: Timestamp
  by: string
  changes: ValueChange[]
}
