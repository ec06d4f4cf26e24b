// The log of one deployment: what is stored is read in pages, what comes after arrives by stream, and a stream that
// broke resumes after the last line that is here.
import { onScopeDispose, ref, shallowRef, triggerRef } from 'vue'
import { api } from '@/api/endpoints'
import type { Deployment, LogLine } from '@/api/types'
import { type LogFilter, LogIndex } from './log-index'
import { openStream, type Stream, type StreamStatus } from './stream'

const PAGE = 5_000

export type LogStatus = 'loading' | StreamStatus | 'complete' | 'failed'

export function useDeploymentLog(id: number, onState: (deployment: Deployment) => void) {
  const index = shallowRef(new LogIndex())
  const status = ref<LogStatus>('loading')
  const error = shallowRef<unknown>(null)
  const abort = new AbortController()
  let stream: Stream | undefined
  let arrived: LogLine[] = []
  let frame = 0

  // Lines can come thousands a second; the page is drawn once a frame.
  function flush() {
    frame = 0
    index.value.add(arrived)
    arrived = []
    triggerRef(index)
  }

  function receive(line: LogLine) {
    arrived.push(line)
    if (frame === 0) frame = requestAnimationFrame(flush)
  }

  function lastSeq(): number {
    return Math.max(index.value.lastSeq, arrived.at(-1)?.seq ?? 0)
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
      const page = await api.logs(id, index.value.lastSeq, PAGE, abort.signal)
      index.value.add(page.items)
      triggerRef(index)
      if (page.items.length < PAGE || index.value.lastSeq >= page.last_seq) return
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
    /** Triggers on every change, though it stays the same object. */
    index,
    setFilter(filter: LogFilter) {
      index.value.setFilter(filter)
      triggerRef(index)
    },
    setQuery(query: string) {
      index.value.setQuery(query)
      triggerRef(index)
    },
  }
}
