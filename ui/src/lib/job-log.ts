// The log of one attempt at a job.
import { api } from '@/api/endpoints'
import type { JobLine, JobStep } from '@/api/types'
import { FoldIndex, type FoldView, type GroupRow, type StepRow } from './log-fold'
import { useLogSource } from './log-source'

export function useJobLog(id: number) {
  const index = new FoldIndex()
  const log = useLogSource<JobLine, never, FoldView>(
    {
      page: (after, limit, signal) => api.jobLogs(id, after, limit, signal),
      streamUrl: after => api.jobLogStreamUrl(id, after),
    },
    index,
  )
  return {
    ...log,
    setSteps: (steps: readonly JobStep[]) => log.change(() => index.setSteps(steps)),
    setQuery: (query: string) => log.change(() => index.setQuery(query)),
    toggle: (row: StepRow | GroupRow) => log.change(() => index.toggle(row)),
    /** The position of the row, -1 when it is not there (yet). */
    reveal: (seq: number) => log.change(() => index.reveal(seq)),
    endOf: (step: number) => index.endOf(step),
    revealStep: (step: number) => log.change(() => index.revealStep(step)),
  }
}
