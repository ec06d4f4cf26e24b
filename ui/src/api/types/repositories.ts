// Repositories that davit tests and merges, as forms.
import type { MergeMethod, MergeWay } from './changes'
import type { SecretRef } from './declared'
import type { Executor } from './runs'

export const FORK_POLICIES = ['approve', 'never'] as const
export type ForkPolicy = (typeof FORK_POLICIES)[number]

/** What `[repository.merge]` says. */
export interface MergeForm {
  by?: MergeWay[]
  label?: string
  blocking_labels?: string[]
  required?: string[]
  approvals?: number | string
  method?: MergeMethod
  branches?: string[]
  delete_branch?: boolean
  queue?: boolean
}

/** What only jobs with this `environment:` get. */
export interface CiEnvironmentForm {
  variables?: string
  secrets?: Record<string, SecretRef>
}

/** What `[[repository]]` says, without its forge and name. A number that is none is sent as it was typed. */
export interface RepositoryForm {
  url?: string
  executor?: Executor
  trusted?: boolean
  network?: boolean
  forks?: ForkPolicy
  memory?: string
  cpus?: number | string
  processes?: number | string
  disk?: string
  output?: string
  timeout?: string
  keep_runs?: string
  keep_artifacts?: string
  cache_size?: string
  badge?: boolean
  variables?: string
  secrets?: Record<string, SecretRef>
  environments?: Record<string, CiEnvironmentForm>
  merge?: MergeForm
}
