// Pull and merge requests, and what keeps davit from merging them.
import type { Schemas } from './schemas'

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

/** One thing that keeps a change from being merged; of the document is only the sentence. */
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

export type Change = Schemas['ChangeView']
export type Check = Schemas['ChangeCheckView']
export type QueueEntry = Schemas['QueueView']
export const MERGE_METHODS = ['merge', 'squash', 'rebase'] as const
export type MergeMethod = (typeof MERGE_METHODS)[number]
export type MergePolicy = Schemas['PolicyView']
export type ChangeDetail = Schemas['ChangeFull']
