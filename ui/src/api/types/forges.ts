// Forges: what they are, what they sent, and what they are told.
import type { Timestamp } from './common'
import type { SecretRef } from './declared'
import type { RequestState } from './requests'

export const FORGE_KINDS = ['github', 'gitlab', 'gitea', 'gitee', 'generic'] as const
export type ForgeKind = (typeof FORGE_KINDS)[number]

export const HOOK_STATES = ['registered', 'inactive', 'missing', 'unknown'] as const
export type HookState = (typeof HOOK_STATES)[number]

export const VERDICTS = ['received', 'processed', 'ignored', 'failed'] as const
export type Verdict = (typeof VERDICTS)[number]

export const OUTBOX_STATES = ['dead', 'waiting', 'leased', 'done', 'superseded'] as const
export type OutboxState = (typeof OUTBOX_STATES)[number]

export interface Delivery {
  id: number
  forge: string
  event: string
  /** The forge's own id of the delivery. */
  delivery: string
  received_at: Timestamp
  verdict: Verdict
  reason: string
  attempts: number
  repository: string | null
  summary: string
  /** Whether davit found it by itself, because the forge's own delivery never came. */
  caught_up: boolean
}

export interface Started {
  request: number
  app: string
  environment: string
  title: string
  state: RequestState
  deployment: number | null
}

export interface DeliveryDetail extends Delivery {
  headers: [string, string][]
  body: string
  started: Started[]
}

/** A call to a forge that is to be made, was made or was given up. */
export interface OutboxCall {
  id: number
  kind: string
  lane: string
  /** The forge that it goes to; null: it goes to a channel. */
  forge: string | null
  channel: string | null
  repository: string | null
  commit: string | null
  /** What it says, in a few words. */
  summary: string
  /** What it points people to. */
  url: string | null
  state: OutboxState
  attempts: number
  created_at: Timestamp
  next_at: Timestamp | null
  done_at: Timestamp | null
  /** What went wrong last. */
  error: string | null
}

/** Where a value that stays secret comes from. */
export interface SecretSource {
  from: 'secret' | 'env' | 'file'
  name: string
  set: boolean
}

export interface Forge {
  id: string
  kind: ForgeKind
  api_url: string
  hook_url: string
  signature: string
  credential: 'none' | 'token' | 'app'
  /** Whether davit can speak to its API. */
  has_token: boolean
  has_webhook_secret: boolean
  webhook_secret: SecretSource | null
  git_key: SecretSource | null
  /** The public line of the key that davit made. */
  deploy_key: string | null
  /** Of the apps, at this forge. */
  repositories: string[]
  last_delivery: { id: number; event: string; verdict: Verdict; received_at: Timestamp } | null
  /** What the forge said is left of its rate limit. */
  budget: { remaining: number; reset_at: Timestamp | null } | null
  /** Until when davit sends it nothing by itself, because of a limit. */
  paused_until: Timestamp | null
  waiting: number
  dead: number
}

/** Something that davit does at a forge, and the permission for it in the forge's own words. */
export interface Need {
  what: string
  permission: string
  /** null: the forge does not say for this sort of credential. */
  granted: boolean | null
}

export interface ForgeCheck {
  repository: string
  reachable: boolean
  /** Why not, for people. */
  detail: string
  default_branch: string | null
  needs: Need[]
  hook: { state: HookState; id: number | null; events: string[]; last_response: string | null; detail: string }
  /** How far the forge's clock is ahead of davit's. */
  clock_skew_ms: number | null
}

export interface RegisteredHook {
  id: number
  url: string
  active: boolean
  events: string[]
  /** Where the secret came from that the forge signs with now. */
  secret: 'made' | 'stored' | 'env' | 'file'
}

export interface DeployKey {
  public_key: string
  /** The name to write as git_key = { secret = "…" }. */
  secret: string
  made: boolean
  in_use: boolean
  added_to: string | null
}

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
