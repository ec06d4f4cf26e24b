// Requests to release something, and what people said to them.
import type { Schemas } from './schemas'

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

export type RequestCounts = Schemas['Counts']

export const VERDICTS_OF_REVIEW = ['approve', 'reject'] as const
export type ReviewVerdict = (typeof VERDICTS_OF_REVIEW)[number]

export type RequestReview = Schemas['ReviewWordView']

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

export type ReleaseRequest = Schemas['RequestView']

export type DeployBody = Schemas['DeployBody']
/** What of an app is to be released: a ref, a commit or a build. */
export type ReleaseWhat = Pick<DeployBody, 'ref' | 'commit' | 'build' | 'hosts' | 'inputs'>
/** What an edit changes; what is absent stays. */
export type EditBody = Schemas['EditBody']

export type BatchBody = Schemas['BatchBody']
/** What was asked for together. */
export type Batch = Schemas['BatchView']
export type BatchVerb = 'approve' | 'reject' | 'withdraw' | 'release'
export type BatchAnswer = Schemas['BatchAnswers']

export type DiffCommit = Schemas['CommitView']

export const FILE_STATUSES = ['added', 'modified', 'deleted', 'renamed', 'copied', 'type_changed'] as const
export type FileStatus = (typeof FILE_STATUSES)[number]

export type DiffFile = Schemas['FileView']
/** What a release would change about what is live. */
export type ReleaseDiff = Schemas['DiffView']
export type FilePatch = Schemas['PatchView']
/** `next` is the `before` of the next page. */
export type CommitPage = Schemas['Page_CommitView']
