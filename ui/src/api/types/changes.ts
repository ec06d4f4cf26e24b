// Pull and merge requests, and what keeps davit from merging them.
import type { Timestamp } from './common'
import type { Run } from './runs'

export const CHANGE_STATES = ['open', 'merged', 'closed'] as const
export type ChangeState = (typeof CHANGE_STATES)[number]

export const COMMIT_STATES = ['pending', 'success', 'failure', 'error'] as const
export type CommitState = (typeof COMMIT_STATES)[number]

export const MERGE_WAYS = ['label', 'comment', 'forge', 'ui'] as const
/** By what people ask davit to merge. */
export type MergeWay = (typeof MERGE_WAYS)[number]

export const HOLD_CODES = [
  'closed',
  'branch_not_allowed',
  'not_asked',
  'draft',
  'blocking_label',
  'approvals',
  'changes_requested',
  'no_checks',
  'missing',
  'pending',
  'red',
  'conflict',
  'computing',
  'refused',
  'fork_not_approved',
  'queued',
  'failed',
] as const
export type HoldCode = (typeof HOLD_CODES)[number]

/** One thing that keeps a change from being merged. */
export interface Hold {
  /** What the pages have words for; a newer server may send others. */
  code: string
  /** For people, in English. */
  sentence: string
  branch?: string
  label?: string
  has?: number
  needs?: number
  by?: string
  pattern?: string
  context?: string
  state?: CommitState
  ahead?: number
  reason?: string
  commit?: string
}

export interface Change {
  id: number
  forge: string
  repository: string
  number: number
  title: string
  author: string
  url: string
  head_sha: string
  head_branch: string
  base_branch: string
  from_fork: boolean
  draft: boolean
  state: ChangeState
  labels: string[]
  approvals: number
  asked: { how: MergeWay; by: string; at: Timestamp } | null
  holds: Hold[]
  /** Nothing holds it. */
  ready: boolean
  updated_at: Timestamp
}

export interface Check {
  name: string
  state: CommitState
  description: string | null
  target_url: string | null
  at: Timestamp
  /** davit's own, not another CI's. */
  is_davit: boolean
}

export interface QueueEntry {
  position: number
  change_id: number
  number: number
  title: string
  state: string
  reason: string | null
}

export interface MergePolicy {
  /** Patterns of check names; empty: every known check. */
  required: string[]
  approvals: number
  label: string | null
  by: MergeWay[]
  method: 'merge' | 'squash' | 'rebase'
  queue: boolean
}

export interface ChangeDetail {
  change: Change
  checks: Check[]
  runs: Run[]
  queue: QueueEntry[]
  /** null: davit merges nothing in this repository. */
  policy: MergePolicy | null
  allowed: { merge: boolean; refresh: boolean }
}
