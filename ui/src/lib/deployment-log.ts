// The log of one deployment, all of it or of one host or step.
import { api } from '@/api/endpoints'
import type { Deployment, LogLine } from '@/api/types'
import { type LogFilter, LogIndex, type LogView } from './log-index'
import { useLogSource } from './log-source'

export function useDeploymentLog(id: number, onState: (deployment: Deployment) => void) {
  const index = new LogIndex()
  const log = useLogSource<LogLine, Deployment, LogView>(
    {
      page: (after, limit, signal) => api.logs(id, after, limit, signal),
      streamUrl: after => api.logStreamUrl(id, after),
      onState,
    },
    index,
  )
  return {
    ...log,
    setFilter: (filter: LogFilter) => log.change(() => index.setFilter(filter)),
    setQuery: (query: string) => log.change(() => index.setQuery(query)),
  }
}
