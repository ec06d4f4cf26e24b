// How an app is released to an environment, as a form: the keys of `[[app.release]]`, absent ones being the default.
import type { AppRepository } from './apps'
import type { Timestamp } from './common'

export const HOOK_NAMES = ['before_checkout', 'after_checkout', 'before_release', 'after_release'] as const
export type HookName = (typeof HOOK_NAMES)[number]

export interface InputForm {
  name: string
  label?: string
  default?: string
  required?: boolean
  choices?: string[]
}

export interface TransferForm {
  from?: string
  upload?: string
  to: string
  mode?: string
}

export interface ActionForm {
  name: string
  on?: 'server' | 'host'
  run?: string
  transfer?: TransferForm
}

export const AUTO_EVENTS = ['push', 'tag', 'merge', 'deployment_event'] as const
export type AutoEvent = (typeof AUTO_EVENTS)[number]

export interface ConfigForm {
  mode?: 'regular' | 'custom'
  hosts: string[] | { labels: string[] }
  deploy_path: string
  releases_path: string
  keep?: number
  build_dir?: string
  filter?: { mode: 'exclude' | 'include'; patterns: string[] }
  shared?: { dirs?: string[]; files?: string[] }
  /** Lines `KEY=VALUE`. */
  variables?: string
  hooks?: Partial<Record<HookName, string>>
  timeouts?: { step?: string; idle?: string }
  strategy?: {
    batches?: (string | string[])[]
    pause?: string
    max_failures?: number
    on_failure?: 'revert' | 'hold'
  }
  health?: Record<string, string | number>
  transfer?: { unchanged?: string; verify?: string; compress?: string }
  caches?: string[]
  share_builds?: boolean
  auto?: { on: AutoEvent; branches?: string[]; require_green?: boolean }
  input?: InputForm[]
  action?: ActionForm[]
  rollback_action?: ActionForm[]
  notify?: string[]
}

export interface SavedConfig {
  app: string
  environment: string
  revision: number
  saved_by: string
  saved_at: Timestamp
  form: ConfigForm
}

export interface ConfigRevision {
  revision: number
  saved_by: string
  saved_at: Timestamp
}

/** What is wrong with one field, by its path in the form: `deploy_path`, `input[0].name`. */
export interface FieldProblem {
  field: string
  message: string
}

export const CHECK_SUBJECTS = ['git', 'host', 'path'] as const
export type CheckSubject = (typeof CHECK_SUBJECTS)[number]

export interface ConfigCheck {
  problems: FieldProblem[]
  checks: { what: string; subject: string; ok: boolean; sentence: string }[]
}

export interface DryRun {
  commit: string
  steps: { step: number; where: 'server' | 'host'; sentence: string }[]
  hosts: { name: string; live: string | null; would: string }[]
  files: { count: number; bytes: number } | null
  gates: string[]
  values: string[]
}

export interface AppBody {
  key: string
  name: string
  repository: AppRepository
}
