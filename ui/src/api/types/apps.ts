// Apps, how they are released, and what can be or is released.
import type { Timestamp } from './common'
import type { DeploymentSummary, Live } from './deployments'

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
  /** How many there are in all of what was asked for. */
  branches_total: number
  tags_total: number
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
