// A server-sent event stream that stays open: the browser resumes a dropped connection itself (with
// Last-Event-ID); what it gives up on, a refused or failed answer, is opened again here, slower each time.

export type StreamStatus = 'connecting' | 'open' | 'retrying' | 'closed'

export interface StreamOptions {
  /** Asked again for every new connection, so that it can name the last event seen. */
  url: () => string
  events: Record<string, (data: string) => void>
  onStatus?: (status: StreamStatus) => void
  /** For tests: what opens a connection, and what waits. */
  connect?: (url: string) => EventSource
  schedule?: (task: () => void, ms: number) => () => void
}

export interface Stream {
  close(): void
}

const FIRST_DELAY_MS = 1_000
const LONGEST_DELAY_MS = 20_000

export function openStream(options: StreamOptions): Stream {
  const connect = options.connect ?? (url => new EventSource(url))
  const schedule = options.schedule ?? later
  let source: EventSource | null = null
  let cancelRetry = () => {}
  let failures = 0
  let closed = false

  const report = (status: StreamStatus) => options.onStatus?.(status)

  function open() {
    report(failures === 0 ? 'connecting' : 'retrying')
    const current = connect(options.url())
    source = current
    current.onopen = () => {
      failures = 0
      report('open')
    }
    current.onerror = () => {
      if (closed) return
      report('retrying')
      if (current.readyState !== current.CLOSED) return
      current.close()
      cancelRetry = schedule(open, retryDelay(failures++))
    }
    for (const [name, handle] of Object.entries(options.events)) {
      current.addEventListener(name, event => {
        if (!closed) handle((event as MessageEvent<string>).data)
      })
    }
  }

  open()
  return {
    close() {
      if (closed) return
      closed = true
      cancelRetry()
      source?.close()
      report('closed')
    },
  }
}

/** Doubles from one second to twenty. */
export function retryDelay(failures: number): number {
  return Math.min(FIRST_DELAY_MS * 2 ** failures, LONGEST_DELAY_MS)
}

function later(task: () => void, ms: number): () => void {
  const timer = setTimeout(task, ms)
  return () => clearTimeout(timer)
}
