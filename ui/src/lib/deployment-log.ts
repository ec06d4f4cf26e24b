// The log of one deployment: what is stored is read in pages, what comes after arrives by stream, and a stream that
// broke resumes after the last line that is here.
import { onScopeDispose, ref, shallowRef } from 'vue'
import { api } from '@/api/endpoints'
import type { Deployment, LogLine } from '@/api/types'
import { type LogFilter, LogIndex } from './log-index'
import { openStream, type Stream, type StreamStatus } from './stream'

const PAGE = 5_000

export type LogStatus = 'loading' | StreamStatus | 'complete' | 'failed'

export function useDeploymentLog(id: number, onState: (deployment: Deployment) => void) {
  const index = new LogIndex()
  const view = shallowRef(index.view())
  const status = ref<LogStatus>('loading')
  const error = shallowRef<unknown>(null)
  const abort = new AbortController()
  let stream: Stream | undefined
  let arrived: LogLine[] = []
  let frame = 0

  // Lines can come thousands a second; the page is drawn once a frame.
  function flush() {
    frame = 0
    index.add(arrived)
    arrived = []
    view.value = index.view()
  }

  function receive(line: LogLine) {
    arrived.push(line)
    if (frame === 0) frame = requestAnimationFrame(flush)
  }

  function lastSeq(): number {
    return Math.max(index.lastSeq, arrived.at(-1)?.seq ?? 0)
  }

  async function load() {
    status.value = 'loading'
    error.value = null
    try {
      await readStored()
      follow()
    } catch (failure) {
      if (abort.signal.aborted) return
      error.value = failure
      status.value = 'failed'
    }
  }

  async function readStored() {
    for (;;) {
      const page = await api.logs(id, index.lastSeq, PAGE, abort.signal)
      index.add(page.items)
      view.value = index.view()
      if (page.items.length < PAGE || index.lastSeq >= page.last_seq) return
    }
  }

  function follow() {
    if (abort.signal.aborted) return
    stream = openStream({
      url: () => api.logStreamUrl(id, lastSeq()),
      events: {
        line: data => receive(JSON.parse(data) as LogLine),
        state: data => onState(JSON.parse(data) as Deployment),
        end: () => {
          stream?.close()
          status.value = 'complete'
        },
      },
      onStatus: next => {
        if (status.value !== 'complete') status.value = next
      },
    })
  }

  onScopeDispose(() => {
    abort.abort()
    stream?.close()
    cancelAnimationFrame(frame)
  })
  void load()

  return {
    status,
    error,
    retry: load,
    /** Another object after every change. */
    view,
    setFilter(filter: LogFilter) {
      index.setFilter(filter)
      view.value = index.view()
    },
    setQuery(query: string) {
      index.setQuery(query)
      view.value = index.view()
    },
  }
}
