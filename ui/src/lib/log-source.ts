// The log of whatever runs: what is stored is read in pages, what comes after arrives by stream, and a stream that
// broke resumes after the last line that is here.
import { onScopeDispose, ref, shallowRef } from 'vue'
import { openStream, type Stream, type StreamStatus } from './stream'

const PAGE = 5_000

export type LogStatus = 'loading' | StreamStatus | 'complete' | 'failed'

interface Numbered {
  seq: number
}

/** Where lines come from. */
export interface LogSource<Line extends Numbered, State> {
  page: (after: number, limit: number, signal: AbortSignal) => Promise<{ items: Line[]; last_seq: number }>
  streamUrl: (after: number) => string
  onState?: (state: State) => void
}

/** What keeps lines and shows a part of them. */
export interface LogKeeper<Line extends Numbered, View> {
  readonly lastSeq: number
  add: (lines: readonly Line[]) => void
  view: () => View
}

/** Reads and follows a log while the calling component lives. */
export function useLogSource<Line extends Numbered, State, View>(
  source: LogSource<Line, State>,
  index: LogKeeper<Line, View>,
) {
  const view = shallowRef(index.view())
  const status = ref<LogStatus>('loading')
  const error = shallowRef<unknown>(null)
  const abort = new AbortController()
  let stream: Stream | undefined
  let arrived: Line[] = []
  let frame = 0

  // Lines can come thousands a second; the page is drawn once a frame.
  function flush() {
    frame = 0
    index.add(arrived)
    arrived = []
    view.value = index.view()
  }

  function receive(line: Line) {
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
      const page = await source.page(index.lastSeq, PAGE, abort.signal)
      index.add(page.items)
      view.value = index.view()
      if (page.items.length < PAGE || index.lastSeq >= page.last_seq) return
    }
  }

  function follow() {
    if (abort.signal.aborted) return
    stream = openStream({
      url: () => source.streamUrl(lastSeq()),
      events: {
        line: data => receive(JSON.parse(data) as Line),
        state: data => source.onState?.(JSON.parse(data) as State),
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
    /** Changes what the index shows, and shows it. */
    change<Result>(work: () => Result): Result {
      const result = work()
      view.value = index.view()
      return result
    },
  }
}
