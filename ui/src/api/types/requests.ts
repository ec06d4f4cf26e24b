// Requests to release something, and what people said to them.
import type { Timestamp } from './common'
import type { RequestKind } from './deployments'

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

/** How the list is divided; `other` is what ended without going out. */
export const REQUEST_GROUPS = [
  'all',
  'awaiting_review',
  'awaiting_release',
  'releasing',
  'succeeded',
  'failed',
  'other',
] as const
export type RequestGroup = (typeof REQUEST_GROUPS)[number]

export type RequestCounts = Partial<Record<RequestGroup | 'waiting_for_me', number>>

export interface Approval {
  user: string
  at: Timestamp
}

export const VERDICTS_OF_REVIEW = ['approve', 'reject'] as const
export type ReviewVerdict = (typeof VERDICTS_OF_REVIEW)[number]

export interface RequestReview {
  user: string
  verdict: ReviewVerdict
  reason: string | null
  /** Of the request, when it was said. */
  version: number
  at: Timestamp
  /** It counts no more: the request was edited since, or the approval has expired. */
  void: boolean
}

/** What its environment asks of approvals. */
export interface ReviewRule {
  required: number
  self_approval: boolean
  /** `ana` or `group:leads`; empty: everybody with the role. */
  reviewers: string[]
  /** How long an approval holds, in seconds. */
  expires: number | null
}

export const REQUEST_VERBS = [
  'edit',
  'withdraw',
  'approve',
  'reject',
  'release',
  'schedule',
  'retry',
  'clone',
  'rollback',
] as const
export type RequestVerb = (typeof REQUEST_VERBS)[number]

export interface ReleaseRequest {
  id: number
  app: string
  environment: string
  kind: RequestKind
  state: RequestState
  commit: string
  git_ref: string | null
  title: string
  description: string
  /** Counts up with every edit, from 1. */
  version: number
  created_by: string
  /** The account behind it, when one is known. */
  author: string
  created_at: Timestamp
  updated_at: Timestamp | null
  decided_by: string | null
  decided_at: Timestamp | null
  reason: string | null
  required_approvals: number
  approvals: Approval[]
  approvals_expire_at: Timestamp | null
  reviews: RequestReview[]
  review: ReviewRule
  scheduled_at: Timestamp | null
  scheduled_by: string | null
  batch: number | null
  cloned_from: number | null
  /** Of the release config it goes out with, and the newest one there is. */
  revision: number
  latest_revision: number | null
  deployment: number | null
  target_release: string | null
  build_id: number | null
  /** Only these; null: all of the release config. */
  hosts: string[] | null
  inputs: Record<string, string>
  /** What the reader may do with it now. */
  allowed: Record<RequestVerb, boolean>
  /** What keeps it, in the server's words: a lock, a window. */
  waits_for: string | null
}

/** What of an app is to be released: exactly one of the first three. */
export interface ReleaseWhat {
  ref?: string
  commit?: string
  build?: number
  hosts?: string[]
  inputs?: Record<string, string>
}

export interface DeployBody extends ReleaseWhat {
  title?: string
  description?: string
  scheduled_at?: Timestamp
}

export interface BatchBody {
  environment: string
  title?: string
  description?: string
  scheduled_at?: Timestamp
  items: (ReleaseWhat & { app: string })[]
}

export interface BatchMade {
  batch: number
  items: ReleaseRequest[]
}

/** What was asked for together. */
export interface Batch {
  id: number
  title: string
  description: string
  environment: string
  created_by: string
  created_at: Timestamp
  items: ReleaseRequest[]
}

export type BatchVerb = 'approve' | 'reject' | 'withdraw' | 'release'

export interface BatchAnswer {
  items: { request: ReleaseRequest; ok: boolean; sentence: string | null }[]
}

/** What an edit changes; what is absent stays. */
export interface EditBody {
  /** The version that the editor had before them. */
  version: number
  title?: string
  description?: string
  ref?: string
  commit?: string
  build?: number
  hosts?: string[]
  inputs?: Record<string, string>
  /** null takes the time away. */
  scheduled_at?: Timestamp | null
  latest_config?: boolean
}

export interface DiffCommit {
  sha: string
  author: string
  at: Timestamp
  subject: string
}

export const FILE_STATUSES = ['added', 'modified', 'deleted', 'renamed', 'copied', 'type_changed'] as const
export type FileStatus = (typeof FILE_STATUSES)[number]

export interface DiffFile {
  path: string
  old_path: string | null
  status: FileStatus
  /** null: not text. */
  additions: number | null
  deletions: number | null
}

/** What a release would change about what is live. */
export interface ReleaseDiff {
  /** null: nothing is live. */
  base: { commit: string; release: string; deployment: number } | null
  head: string
  /** Commits of the head that the base has not, and the other way round; null: not known. */
  ahead: number | null
  behind: number | null
  commits: DiffCommit[]
  commits_truncated: boolean
  files: DiffFile[]
  files_truncated: boolean
  /** The release config of what is live, the one to come, and how they differ. */
  config: { from: number | null; to: number; diff: string }
  /** Why commits and files are absent, when they are. */
  note: string | null
}

export interface FilePatch {
  patch: string
  truncated: boolean
}

export interface CommitPage {
  items: DiffCommit[]
  /** `before` of the next page; null: this was the last. */
  next: string | null
}
