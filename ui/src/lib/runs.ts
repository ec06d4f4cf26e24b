// Rules about the jobs of a run: which to show first, which belong together, what can be tried again.
import type { Job, JobState, RunState } from '@/api/types'

const OVER: JobState[] = ['success', 'failure', 'cancelled', 'timed_out', 'skipped', 'error']
const BAD: JobState[] = ['failure', 'timed_out', 'error', 'cancelled']

export function isOver(state: RunState | JobState): boolean {
  return (OVER as string[]).includes(state)
}

/** Whether it did not succeed and could be tried again. */
export function isBad(state: JobState): boolean {
  return BAD.includes(state)
}

export function latest(jobs: readonly Job[]): Job[] {
  return jobs.filter(job => job.latest)
}

/** The one that a reader most likely came for: what went wrong, else what runs, else the first. */
export function firstToShow(jobs: readonly Job[]): Job | undefined {
  const newest = latest(jobs)
  return (
    newest.find(job => isBad(job.state) && job.state !== 'cancelled') ??
    newest.find(job => job.state === 'running') ??
    newest.find(job => job.started_at !== null) ??
    newest[0]
  )
}

/** All attempts at the same job, the first one first. */
export function attemptsAt(jobs: readonly Job[], job: Job): Job[] {
  return jobs.filter(other => other.key === job.key && other.index === job.index).sort((a, b) => a.attempt - b.attempt)
}
