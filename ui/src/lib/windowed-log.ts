// A log of any length as a viewer sees it: how many lines there are, those in sight, and what is written meanwhile. The
// lines themselves come and go with line-cache.ts; a stream that broke resumes after the last line that came.
import { onScopeDispose, ref, shallowRef } from 'vue'
import { LineCache } from './line-cache'
import { openStream, type Stream, type StreamStatus } from './stream'

export type LogStatus = 'loading' | StreamStatus | 'complete' | 'failed'

interface Numbered {
  seq: number
}

export interface LogSource<Line extends Numbered, State> {
  /** How many lines are shown now, and the last one of the log; what follows comes by stream. */
  begin: (signal: AbortSignal) => Promise<{ total: number; last_seq: number }>
  /** Lines that are shown, from a place on, counted from 0. */
  page: (place: number, limit: number, signal: AbortSignal) => Promise<readonly Line[]>
  streamUrl: (after: number) => string
  /** A line that was written since; false: it is not among those that are shown. */
  receive: (line: Line) => boolean
  onState?: (state: State) => void
}

/** What there is of a log at one moment. */
export interface LogExtent {
  /** Lines that are shown. */
  total: number
  lastSeq: number
}

/** Reads and follows a log while the calling component lives. */
export function useWindowedLog<Line extends Numbered, State>(source: LogSource<Line, State>) {
  const extent = shallowRef<LogExtent>({ total: 0, lastSeq: 0 })
  const status = ref<LogStatus>('loading')
  const error = shallowRef<unknown>(null)
  const cache = new LineCache<Line>({
    fetch: source.page,
    changed: () => {
      error.value = null
      schedule()
    },
    failed: failure => {
      error.value = failure
    },
  })
  let lastSeq = 0
  let abort = new AbortController()
  let current: { stream?: Stream } = {}
  let frame = 0

  // Lines can come thousands a second; the page is drawn once a frame.
  function schedule() {
    if (frame === 0) frame = requestAnimationFrame(show)
  }

  function show() {
    frame = 0
    extent.value = { total: cache.total, lastSeq }
  }

  /** Reads from the beginning what is shown now. */
  async function begin() {
    abort.abort()
    abort = new AbortController()
    const { signal } = abort
    current.stream?.close()
    status.value = 'loading'
    error.value = null
    try {
      const known = await source.begin(signal)
      if (signal.aborted) return
      cache.reset(known.total)
      lastSeq = known.last_seq
      show()
      follow()
    } catch (failure) {
      if (signal.aborted) return
      error.value = failure
      status.value = 'failed'
    }
  }

  function receive(line: Line) {
    if (line.seq <= lastSeq) return
    lastSeq = line.seq
    if (source.receive(line)) cache.push(line)
    schedule()
  }

  function follow() {
    // A stream tells its status before it is known by name.
    const opened: { stream?: Stream } = {}
    current = opened
    opened.stream = openStream({
      url: () => source.streamUrl(lastSeq),
      events: {
        line: data => receive(JSON.parse(data) as Line),
        state: data => source.onState?.(JSON.parse(data) as State),
        end: () => {
          status.value = 'complete'
          opened.stream?.close()
        },
      },
      onStatus: next => {
        if (status.value !== 'complete' && current === opened) status.value = next
      },
    })
  }

  onScopeDispose(() => {
    abort.abort()
    cache.reset(0)
    current.stream?.close()
    cancelAnimationFrame(frame)
  })
  void begin()

  return {
    status,
    error,
    /** Another object after every change, also when lines came that were known to be there. */
    extent,
    restart: begin,
    retry: begin,
    lineAt: (place: number) => cache.at(place),
    /** These places are in sight: their lines come, and `extent` tells when. */
    want: (places: Iterable<number>) => cache.want(places),
  }
}
