// The log of one attempt at a job.
import { computed, shallowRef, triggerRef } from 'vue'
import { api } from '@/api/endpoints'
import type { JobLine, JobStep } from '@/api/types'
import { FoldIndex, type GroupRow, type StepRow } from './log-fold'
import { useLogSearch } from './log-search'
import { useWindowedLog } from './windowed-log'

export function useJobLog(id: number) {
  const index = shallowRef(new FoldIndex())
  const search = useLogSearch((query, from, signal) => api.searchJobLog(id, query, from, signal))
  const log = useWindowedLog<JobLine, never>({
    async begin(signal) {
      const { marks, last_seq } = await api.jobOutline(id, signal)
      index.value.begin(marks, last_seq)
      return { total: last_seq, last_seq }
    },
    page: async (place, limit, signal) => (await api.jobLogs(id, place, limit, signal)).items,
    streamUrl: after => api.jobLogStreamUrl(id, after),
    receive(line) {
      index.value.add(line)
      search.add(line)
      return true
    },
  })
  const view = computed(() => {
    void log.extent.value
    return index.value.view()
  })

  /** Changes what the index shows, and shows it. */
  function change<Result>(work: (index: FoldIndex) => Result): Result {
    const result = work(index.value)
    triggerRef(index)
    return result
  }

  return {
    ...log,
    view,
    search,
    setSteps: (steps: readonly JobStep[]) => change(each => each.setSteps(steps)),
    toggle: (row: StepRow | GroupRow) => change(each => each.toggle(row)),
    /** The position of the row, -1 when it is not there (yet). */
    reveal: (seq: number) => change(each => each.reveal(seq)),
    endOf: (step: number) => index.value.endOf(step),
    revealStep: (step: number) => change(each => each.revealStep(step)),
  }
}
