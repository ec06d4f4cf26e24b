// Forges: what they are, what they sent, and what they are told.
import type { SecretRef } from './declared'
import type { Schemas } from './schemas'

export const FORGE_KINDS = ['github', 'gitlab', 'gitea', 'gitee', 'generic'] as const
export type ForgeKind = (typeof FORGE_KINDS)[number]

export const HOOK_STATES = ['registered', 'inactive', 'missing', 'unknown'] as const
export type HookState = (typeof HOOK_STATES)[number]

export const VERDICTS = ['received', 'processed', 'ignored', 'failed'] as const
export type Verdict = (typeof VERDICTS)[number]

export const OUTBOX_STATES = ['dead', 'waiting', 'leased', 'done', 'superseded'] as const
export type OutboxState = (typeof OUTBOX_STATES)[number]

export type SecretPlace = Schemas['SecretPlace']
export type HookSecret = Schemas['HookSecret']
export type ForgeCredential = Schemas['ForgeCredential']

export type Delivery = Schemas['DeliveryView']
export type Started = Schemas['Started']
export type DeliveryDetail = Schemas['DeliveryFullView']
export type OutboxCall = Schemas['CallView']
export type SecretSource = Schemas['SecretSource']
export type Forge = Schemas['ForgeView']
export type Need = Schemas['NeedView']
export type ForgeCheck = Schemas['ForgeCheckView']
export type RegisteredHook = Schemas['HookView']
export type DeployKey = Schemas['DeployKeyView']

/** Where a sender of one's own puts what davit needs. */
export interface GenericHook {
  header: string
  prefix?: string
  delivery_header?: string
  repository: string
  ref: string
  commit: string
  by?: string
  title?: string
}

/** What `[[forge]]` says, without its id. */
export interface ForgeForm {
  kind: ForgeKind
  api_url?: string
  token?: SecretRef
  app?: { id: string; private_key: SecretRef }
  webhook_secret?: SecretRef
  signature?: string
  generic?: GenericHook
  ca?: SecretRef
  proxy?: string
  git_key?: SecretRef
}
