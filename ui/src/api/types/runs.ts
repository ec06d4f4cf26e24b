// CI: runs, their jobs and steps, what they wrote and left, and workflows that a person can start.
import type { Timestamp } from './common'

export const RUN_STATES = [
  'awaiting_approval',
  'queued',
  'running',
  'success',
  'failure',
  'cancelled',
  'timed_out',
  'skipped',
  'error',
] as const
export type RunState = (typeof RUN_STATES)[number]

export const JOB_STATES = [
  'queued',
  'running',
  'success',
  'failure',
  'cancelled',
  'timed_out',
  'skipped',
  'error',
] as const
export type JobState = (typeof JOB_STATES)[number]

export const STEP_STATES = ['queued', 'running', 'success', 'failure', 'cancelled', 'timed_out', 'skipped'] as const
export type StepState = (typeof STEP_STATES)[number]

export const TRIGGERS = ['push', 'pull_request', 'workflow_dispatch', 'schedule', 'merge_group'] as const
export type Trigger = (typeof TRIGGERS)[number]

export const ANNOTATION_LEVELS = ['error', 'warning', 'notice'] as const
export type AnnotationLevel = (typeof ANNOTATION_LEVELS)[number]

export interface Run {
  id: number
  forge: string
  repository: string
  workflow: string
  workflow_file: string
  title: string
  trigger: Trigger
  git_ref: string | null
  head_sha: string
  /** The number of the pull or merge request. */
  change: number | null
  /** Its page here. */
  change_id?: number | null
  from_fork: boolean
  by: string
  state: RunState
  reason: string | null
  attempt: number
  created_at: Timestamp
  started_at: Timestamp | null
  ended_at: Timestamp | null
  /** The newer run of the same change that took this one's place. */
  superseded_by: number | null
  approved_by: string | null
  /** Where the forge shows what started it. */
  event_url?: string | null
}

export interface JobStep {
  number: number
  name: string
  state: StepState
  exit_code: number | null
  started_at: Timestamp | null
  ended_at: Timestamp | null
}

/** One attempt at a job; `latest` marks the newest attempt of its key and index. */
export interface Job {
  id: number
  key: string
  name: string
  /** Which of a matrix. */
  index: number
  attempt: number
  state: JobState
  reason: string | null
  /** Keys of jobs. */
  needs: string[]
  created_at: Timestamp
  started_at: Timestamp | null
  ended_at: Timestamp | null
  environment: string | null
  steps: JobStep[]
  latest: boolean
}

export interface Annotation {
  job_id: number | null
  level: AnnotationLevel
  file: string | null
  line: number | null
  end_line: number | null
  column: number | null
  title: string | null
  message: string
}

export interface Artifact {
  id: number
  name: string
  /** In bytes. */
  size: number
  created_at: Timestamp
  expires_at: Timestamp | null
}

export interface JobSummary {
  job_id: number
  step: number
  markdown: string
}

export interface RunDetail {
  run: Run
  jobs: Job[]
  annotations: Annotation[]
  artifacts: Artifact[]
  summaries: JobSummary[]
  /** What the reader may do now. */
  allowed: { cancel: boolean; retry: boolean; approve: boolean }
}

export interface JobLine {
  seq: number
  at: Timestamp
  step: number
  stream: 'system' | 'stdout' | 'stderr'
  text: string
}

export interface JobLogPage {
  items: JobLine[]
  last_seq: number
}

export interface FoundLine {
  job_id: number
  seq: number
  step: number
  text: string
}

export type RetryBody = { what: 'all' | 'failed' } | { what: 'job'; job_id: number }

/** A repository that davit runs CI for. */
export interface CiRepository {
  forge: string
  name: string
  executor: 'sandbox' | 'host'
  trusted: boolean
  network: boolean
  /** Whether davit merges its changes. */
  merge: boolean
  queue: boolean
}

export interface WorkflowInput {
  name: string
  description: string | null
  required: boolean
  default: string | null
  type: 'string' | 'boolean' | 'number' | 'choice' | 'environment'
  options: string[]
}

export interface Workflow {
  file: string
  name: string
  inputs: WorkflowInput[]
  errors: string[]
  can_start: boolean
}

export interface StartBody {
  forge: string
  repository: string
  /** Without it, the default branch. */
  ref?: string
  file: string
  inputs: Record<string, string>
}
