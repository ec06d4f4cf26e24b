// How an app is released to an environment, as a form: the keys of `[[app.release]]`, absent ones being the default.
import type { Schemas } from './schemas'

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

export type SavedConfig = Schemas['SavedConfig']
export type ConfigRevision = Schemas['ConfigRevisionView']

/** What is wrong with one field, by its path in the form: `deploy_path`, `input[0].name`. */
export interface FieldProblem {
  field: string
  message: string
}

export const CHECK_SUBJECTS = ['git', 'host', 'path'] as const
export type CheckSubject = (typeof CHECK_SUBJECTS)[number]
export type ConfigCheck = Schemas['ConfigCheckView']

export type StepPlace = Schemas['StepPlace']
export type DryRun = Schemas['DryRunView']

/** Where an app's code is: at a forge by its name there, or anywhere by address. */
export interface NewRepository {
  forge?: string | null
  name?: string | null
  url?: string | null
}

export type AppBody = Schemas['NewApp']
