// What the server sends and takes, as in /api/v1/openapi.json. Written by hand, one name a schema, so that a
// generated document can take this file's place. No behaviour here, and one file for that reason, however long.

export const ROLES = ['viewer', 'developer', 'reviewer', 'releaser', 'operator', 'admin'] as const
/** A ladder: each role may do what the ones before it may. */
export type Role = (typeof ROLES)[number]

export const DEPLOYMENT_STATES = [
  'queued',
  'building',
  'staging',
  'switching',
  'verifying',
  'paused',
  'succeeded',
  'failed',
  'reverting',
  'reverted',
  'cancelled',
  'superseded',
] as const
export type DeploymentState = (typeof DEPLOYMENT_STATES)[number]

export const REQUEST_STATES = [
  'awaiting_review',
  'awaiting_release',
  'releasing',
  'succeeded',
  'failed',
  'rejected',
  'withdrawn',
  'cancelled',
  'superseded',
] as const
export type RequestState = (typeof REQUEST_STATES)[number]

export const HOST_RUN_STATES = [
  'waiting',
  'staging',
  'staged',
  'switching',
  'live',
  'verifying',
  'done',
  'failed',
  'held',
  'reverted',
  'skipped',
  'cancelled',
  'unknown',
] as const
export type HostRunState = (typeof HOST_RUN_STATES)[number]

export const CELL_STATES = ['waiting', 'running', 'succeeded', 'failed', 'skipped', 'cancelled'] as const
export type CellState = (typeof CELL_STATES)[number]

export const VERDICTS = ['received', 'processed', 'ignored', 'failed'] as const
export type Verdict = (typeof VERDICTS)[number]

export const OUTBOX_STATES = ['dead', 'waiting', 'leased', 'done', 'superseded'] as const
export type OutboxState = (typeof OUTBOX_STATES)[number]

export const FORGE_KINDS = ['github', 'gitlab', 'gitea', 'gitee', 'generic'] as const
export type ForgeKind = (typeof FORGE_KINDS)[number]

export const HOOK_STATES = ['registered', 'inactive', 'missing', 'unknown'] as const
export type HookState = (typeof HOOK_STATES)[number]

/** What the server has words for; a newer server may send others. */
export const ALERT_KINDS = ['forge_call'] as const

export const HOST_CHECK_CODES = [
  'ok',
  'unreachable',
  'denied',
  'host_key_unknown',
  'host_key_changed',
  'refused',
] as const
export type HostCheckCode = (typeof HOST_CHECK_CODES)[number]

export const PLAN_ACTIONS = ['create', 'update', 'delete', 'unchanged'] as const
export type PlanAction = (typeof PLAN_ACTIONS)[number]

export const PLAN_KINDS = ['forge', 'environment', 'host', 'app', 'release', 'channel'] as const
export type PlanKind = (typeof PLAN_KINDS)[number]

export const REQUEST_KINDS = ['regular', 'rollback', 'auto'] as const
export type RequestKind = (typeof REQUEST_KINDS)[number]

/** RFC 3339, UTC, with milliseconds. */
export type Timestamp = string

export interface Page<T> {
  items: T[]
  /** The cursor of the next page; null or absent on the last one. */
  next?: string | null
}

export interface Problem {
  type?: string
  title?: string
  status?: number
  code: string
  /** A sentence that says what to do. */
  detail?: string
  errors?: ProblemLine[]
}

export interface ProblemLine {
  line?: number | null
  column?: number | null
  message: string
}

export interface SetupState {
  needed: boolean
}

export interface User {
  id: number
  name: string
  role: Role
}

export interface Session {
  user: User
  version: string
  public_url: string
}

export interface Environment {
  key: string
  name: string
  color?: string | null
}

export interface Live {
  release: string
  commit: string
  title: string
  at: Timestamp
  deployment: number
  /** How many hosts serve it. */
  hosts: number
}

/** Why a deployment stands still. */
export interface Pause {
  kind: 'confirm' | 'until' | 'held'
  next_batch?: number | null
  at?: Timestamp | null
  reason?: string | null
}

export interface DeploymentSummary {
  id: number
  request: number
  app: string
  environment: string
  kind: RequestKind
  state: DeploymentState
  commit: string
  git_ref: string | null
  title: string
  release: string | null
  attempt: number
  created_at: Timestamp
  started_at: Timestamp | null
  finished_at: Timestamp | null
  reason: string | null
  user: string
  hosts_total: number
  hosts_done: number
  pause?: Pause | null
  /** The lock or freeze window that keeps a queued one waiting. */
  blocked?: string | null
  gates_overridden_by?: string | null
  build?: { id: number | null; digest: string } | null
  mode?: 'regular' | 'custom'
  batches?: number
}

export interface MatrixCell {
  environment: string
  live: Live | null
  last: DeploymentSummary | null
}

export interface OverviewApp {
  key: string
  name: string
  cells: MatrixCell[]
}

export interface Overview {
  environments: Environment[]
  apps: OverviewApp[]
  running: DeploymentSummary[]
  waiting: ReleaseRequest[]
  hosts: number
  forges: number
  alerts: Alert[]
}

/** Something that a person has to look at, until it is mended. */
export interface Alert {
  id: number
  kind: string
  /** What it is about. */
  subject: string
  detail: string
  since: Timestamp
  ended_at: Timestamp | null
}

export interface Approval {
  user: string
  at: Timestamp
}

export interface ReleaseRequest {
  id: number
  app: string
  environment: string
  kind: RequestKind
  state: RequestState
  commit: string
  git_ref: string | null
  title: string
  created_by: string
  created_at: Timestamp
  decided_by: string | null
  decided_at: Timestamp | null
  reason: string | null
  required_approvals: number
  approvals: Approval[]
  deployment: number | null
  target_release: string | null
}

export interface AppRepository {
  forge?: string | null
  name?: string | null
  url?: string | null
}

export interface AppSummary {
  key: string
  name: string
  repository: AppRepository
  environments: { environment: string; live: Live | null }[]
}

export interface Hooks {
  before_checkout?: string | null
  after_checkout?: string | null
  before_release?: string | null
  after_release?: string | null
}

export interface ReleaseInput {
  name: string
  label: string
  default: string | null
  required: boolean
  choices: string[]
}

export interface ReleaseAction {
  name: string
  on: 'server' | 'host' | 'transfer'
  run: string | null
  from: string | null
  to: string | null
}

export interface ReleaseConfig {
  environment: string
  revision: number
  saved_at: Timestamp
  saved_by: string
  mode: string
  hosts: string[]
  host_selector?: Record<string, unknown> | unknown[] | null
  deploy_path: string
  releases_path: string
  keep: number
  build_dir: string
  filter: { mode: string; patterns: string[] } | null
  shared: { dirs: string[]; files: string[] } | null
  /** Names only: values are shown to nobody. */
  variables: string[]
  hooks: Hooks
  auto: Record<string, unknown> | null
  inputs?: ReleaseInput[]
  actions?: ReleaseAction[]
  rollback_actions?: ReleaseAction[]
  strategy?: { batches: string[]; pause: string; max_failures: number; on_failure: string }
  health?: string | null
  transfer?: { unchanged: string; verify: string; compress: string }
  caches?: string[]
  share_builds?: boolean
}

export interface AppDetail {
  key: string
  name: string
  repository: AppRepository
  configs: ReleaseConfig[]
  recent: DeploymentSummary[]
}

export interface DeployBody {
  ref?: string
  commit?: string
  title?: string
  hosts?: string[]
  build?: number
  inputs?: Record<string, string>
}

export interface Build {
  id: number
  app: string
  digest: string
  source: 'git' | 'upload'
  commit: string
  title: string
  created_by: string
  created_at: Timestamp
  used_at: Timestamp
  files: number
  bytes: number
}

export interface Lock {
  id: number
  environment: string
  app: string | null
  reason: string
  owner: string
  created_at: Timestamp
  expires_at: Timestamp | null
}

export interface Gate {
  open: boolean
  reason: string | null
  until: Timestamp | null
  locks: Lock[]
  frozen: { reason: string; until: Timestamp } | null
}

export const LIVE_VERDICTS = ['ok', 'drift', 'unreachable', 'unknown'] as const
export type LiveVerdict = (typeof LIVE_VERDICTS)[number]

export interface LiveCheck {
  host: string
  verdict: LiveVerdict
  /** What the host said it serves. */
  live: string | null
  /** What davit's tables say. */
  expected: string | null
  detail: { sentence: string; foreign: string | null; altered: number; files: string[] }
  at: Timestamp | null
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

export interface KeptRelease {
  release: string
  commit: string
  title: string
  by: string
  at: Timestamp
  deployment: number
  hosts: string[]
  live: boolean
  missing_on?: string[]
  /** Whether hosts that no longer have it can get it again. */
  build?: boolean
}

export interface GitRef {
  name: string
  commit: string
  subject: string
  at: Timestamp
}

export interface GitRefs {
  branches: GitRef[]
  tags: GitRef[]
}

export interface HostRun {
  host: string
  state: HostRunState
  step: number | null
  reason: string | null
  previous_release: string | null
  batch?: number
  tries?: number
  updated_at: Timestamp
}

export interface DeploymentStep {
  /** 1 to 6; from 11 on the actions of a custom release config. */
  number: number
  title: string
  state: CellState
  on_server?: boolean
}

export interface StepCell {
  /** null: the server (steps 1 to 3). */
  host: string | null
  step: number
  state: CellState
  started_at: Timestamp | null
  finished_at: Timestamp | null
}

export interface Deployment extends DeploymentSummary {
  host_runs: HostRun[]
  steps: DeploymentStep[]
  cells: StepCell[]
  previous_release: string | null
  last_seq: number
}

export interface LogLine {
  seq: number
  at: Timestamp
  host: string | null
  step: number
  stream: 'system' | 'stdout' | 'stderr'
  text: string
}

export interface LogPage {
  items: LogLine[]
  last_seq: number
}

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
  environments: string[]
  host_key_fingerprint: string | null
  jump: string[]
  check: HostCheck | null
}

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
  forge: string
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

export interface PlanItem {
  action: PlanAction
  kind: PlanKind
  name: string
  changes: string[]
}

export interface ApplyBody {
  document: string
  /** `env:NAME` or `file:PATH` to the value the document refers to. */
  values: Record<string, string>
  dry_run: boolean
  prune: boolean
}

export interface ApplyResult {
  plan: PlanItem[]
  applied: boolean
}

export const CHANGE_TOPICS = ['deployment', 'request', 'delivery', 'host', 'config', 'outbox', 'alert'] as const
export type ChangeTopic = (typeof CHANGE_TOPICS)[number]

export interface ChangeEvent {
  topic: ChangeTopic
  id?: number | string | null
  app?: string | null
  environment?: string | null
}
