// CI: runs, their jobs and steps, what they wrote and left, and workflows that a person can start.
import type { Schemas } from './schemas'

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

export type Run = Schemas['RunView']
/** With its change's page here, and where the forge shows what started it. */
export type LinkedRun = Schemas['RunDetail']
export type JobStep = Schemas['CiStepView']
/** One attempt at a job; `latest` marks the newest attempt of its key and index. */
export type Job = Schemas['JobView']
export type Annotation = Schemas['AnnotationView']
export type Artifact = Schemas['ArtifactView']
export type JobSummary = Schemas['SummaryView']
export type RunDetail = Schemas['RunFull']
export type JobLine = Schemas['JobLineView']
export type JobLogPage = Schemas['JobLines']
export type FoundLine = Schemas['FoundView']
export type RetryBody = Schemas['RunRetryBody']

export type Executor = Schemas['Executor']
/** A repository that davit runs CI for. */
export type CiRepository = Schemas['TestedRepositoryView']

export type WorkflowInputType = Schemas['WorkflowInputType']
export type WorkflowInput = Schemas['WorkflowInputView']
export type Workflow = Schemas['WorkflowView']
export type StartBody = Schemas['StartBody']
