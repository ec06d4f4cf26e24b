// How states look: every state of every machine maps to one of a few tones, and a tone has one colour and one shape.
import type {
  AnnotationLevel,
  CellState,
  ChangeState,
  CommitState,
  DeploymentState,
  DeploymentSummary,
  HookState,
  HostRunState,
  JobState,
  LiveVerdict,
  OutboxState,
  PlanAction,
  RequestState,
  RunState,
  ScanStatus,
  StepState,
  Verdict,
} from '@/api/types'

/** ok: done well; run: under way; wait: its turn will come; ask: a person is needed; undo: taken back; off: over. */
export type Tone = 'ok' | 'run' | 'wait' | 'ask' | 'fail' | 'undo' | 'off'

export const deploymentTone: Record<DeploymentState, Tone> = {
  queued: 'wait',
  building: 'run',
  staging: 'run',
  switching: 'run',
  verifying: 'run',
  paused: 'ask',
  succeeded: 'ok',
  failed: 'fail',
  reverting: 'run',
  reverted: 'undo',
  cancelled: 'off',
  superseded: 'off',
}

export const requestTone: Record<RequestState, Tone> = {
  awaiting_review: 'ask',
  awaiting_release: 'ask',
  releasing: 'run',
  succeeded: 'ok',
  failed: 'fail',
  rejected: 'off',
  withdrawn: 'off',
  cancelled: 'off',
  superseded: 'off',
}

export const hostRunTone: Record<HostRunState, Tone> = {
  waiting: 'wait',
  staging: 'run',
  staged: 'run',
  switching: 'run',
  live: 'run',
  verifying: 'run',
  done: 'ok',
  failed: 'fail',
  held: 'ask',
  reverted: 'undo',
  skipped: 'off',
  cancelled: 'off',
  unknown: 'ask',
}

export const cellTone: Record<CellState, Tone> = {
  waiting: 'wait',
  running: 'run',
  succeeded: 'ok',
  failed: 'fail',
  skipped: 'off',
  cancelled: 'off',
}

export const verdictTone: Record<Verdict, Tone> = {
  received: 'run',
  processed: 'ok',
  ignored: 'off',
  failed: 'fail',
}

export const outboxTone: Record<OutboxState, Tone> = {
  dead: 'fail',
  waiting: 'wait',
  leased: 'run',
  done: 'ok',
  superseded: 'off',
}

export const hookTone: Record<HookState, Tone> = { registered: 'ok', inactive: 'fail', missing: 'ask', unknown: 'wait' }

export const liveTone: Record<LiveVerdict, Tone> = { ok: 'ok', drift: 'fail', unreachable: 'ask', unknown: 'wait' }

export const scanTone: Record<ScanStatus, Tone> = { new: 'ask', same: 'ok', changed: 'fail', failed: 'off' }

export const planTone: Record<PlanAction, Tone> = { create: 'ok', update: 'run', delete: 'fail', unchanged: 'off' }

export const jobTone: Record<JobState, Tone> = {
  queued: 'wait',
  running: 'run',
  success: 'ok',
  failure: 'fail',
  cancelled: 'off',
  timed_out: 'fail',
  skipped: 'off',
  error: 'fail',
}

export const runTone: Record<RunState, Tone> = { ...jobTone, awaiting_approval: 'ask' }

export const stepTone: Record<StepState, Tone> = jobTone

export const changeTone: Record<ChangeState, Tone> = { open: 'run', merged: 'undo', closed: 'off' }

export const commitTone: Record<CommitState, Tone> = { pending: 'run', success: 'ok', failure: 'fail', error: 'fail' }

export const annotationTone: Record<AnnotationLevel, Tone> = { error: 'fail', warning: 'ask', notice: 'run' }

const running: DeploymentState[] = ['queued', 'building', 'staging', 'switching', 'verifying', 'paused', 'reverting']

/** Whether it can still change by itself or by a person. */
export function isRunning(state: DeploymentState): boolean {
  return running.includes(state)
}

/** Whether a person may still end it: until the first host switches. */
export function isCancellable(state: DeploymentState): boolean {
  return state === 'queued' || state === 'building' || state === 'staging'
}

/** Whether a retry of its request makes sense. */
export function isRetryable(state: DeploymentState): boolean {
  return state === 'failed' || state === 'reverted'
}

export const PHASES = ['building', 'staging', 'switching', 'verifying'] as const

/** Where a deployment stands on the way build → stage → switch → verify: how many phases are behind it. */
export function phasesDone(deployment: Pick<DeploymentSummary, 'state'>): number {
  if (deployment.state === 'succeeded') return PHASES.length
  const index = (PHASES as readonly string[]).indexOf(deployment.state)
  return index < 0 ? 0 : index
}

/** The first seven characters of a commit, as every forge shows it. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 7)
}
