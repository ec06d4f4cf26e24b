// The log of one deployment, all of it or of one host or step.
import { shallowRef } from 'vue'
import type { LogFilter } from '@/api/calls/logs'
import { api } from '@/api/endpoints'
import type { Deployment, LogLine } from '@/api/types'
import { useLogSearch } from './log-search'
import { useWindowedLog } from './windowed-log'

export function useDeploymentLog(id: number, onState: (deployment: Deployment) => void) {
  const filter = shallowRef<LogFilter>({})
  const search = useLogSearch((query, from, signal) => api.searchLog(id, filter.value, query, from, signal))
  const log = useWindowedLog<LogLine, Deployment>({
    begin: signal => api.logWindow(id, filter.value, { place: 0 }, 1, signal),
    page: async (place, limit, signal) => (await api.logWindow(id, filter.value, { place }, limit, signal)).items,
    streamUrl: after => api.logStreamUrl(id, after),
    receive(line) {
      const { host, step } = filter.value
      if ((host !== undefined && line.host !== host) || (step !== undefined && line.step !== step)) return false
      search.add(line)
      return true
    },
    onState,
  })

  /** The place of a line among those that are shown, or of the next one. */
  async function placeOf(seq: number): Promise<number> {
    const { host, step } = filter.value
    if (host === undefined && step === undefined) return seq - 1
    return (await api.logWindow(id, filter.value, { line: seq }, 1)).first
  }

  /** Whether a line is among those that are shown. */
  async function isShown(seq: number): Promise<boolean> {
    const { host, step } = filter.value
    if (host === undefined && step === undefined) return true
    return (await api.logWindow(id, filter.value, { line: seq }, 1)).items[0]?.seq === seq
  }

  return {
    ...log,
    filter,
    search,
    placeOf,
    isShown,
    setFilter(next: LogFilter) {
      filter.value = next
      void log.restart()
      search.again()
    },
  }
}

export type DeploymentLog = ReturnType<typeof useDeploymentLog>
