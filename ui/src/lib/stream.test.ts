import { describe, expect, it, vi } from 'vitest'
import { openStream, retryDelay, type StreamStatus } from './stream'

/** What the browser's EventSource does as far as we see it, driven by hand. */
class HandSource extends EventTarget {
  readonly CONNECTING = 0
  readonly OPEN = 1
  readonly CLOSED = 2
  readyState = 0
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null

  constructor(readonly url: string) {
    super()
  }

  open() {
    this.readyState = this.OPEN
    this.onopen?.()
  }

  send(name: string, data: string) {
    this.dispatchEvent(new MessageEvent(name, { data }))
  }

  drop() {
    this.readyState = this.CONNECTING
    this.onerror?.()
  }

  refuse() {
    this.readyState = this.CLOSED
    this.onerror?.()
  }

  close() {
    this.readyState = this.CLOSED
  }
}

function setUp() {
  const sources: HandSource[] = []
  const waits: { task: () => void; ms: number }[] = []
  const statuses: StreamStatus[] = []
  const received: string[] = []
  const cancelled = vi.fn()
  let after = 0
  const stream = openStream({
    url: () => `/stream?after=${after}`,
    events: {
      line: data => {
        received.push(data)
        after += 1
      },
    },
    onStatus: status => statuses.push(status),
    connect: url => {
      const source = new HandSource(url)
      sources.push(source)
      return source as unknown as EventSource
    },
    schedule: (task, ms) => {
      waits.push({ task, ms })
      return cancelled
    },
  })
  const last = () => sources.at(-1) as HandSource
  return { stream, sources, waits, statuses, received, cancelled, last }
}

describe('openStream', () => {
  it('hands events on', () => {
    const { last, received, statuses } = setUp()
    last().open()
    last().send('line', 'one')
    expect(received).toEqual(['one'])
    expect(statuses).toEqual(['connecting', 'open'])
  })

  it('leaves a dropped connection to the browser, which resumes it', () => {
    const { last, sources, statuses, waits } = setUp()
    last().open()
    last().drop()
    last().open()
    expect(sources).toHaveLength(1)
    expect(waits).toHaveLength(0)
    expect(statuses).toEqual(['connecting', 'open', 'retrying', 'open'])
  })

  it('opens again after a refusal, later each time, from the last event seen', () => {
    const { last, sources, waits } = setUp()
    last().open()
    last().send('line', 'one')
    last().refuse()
    waits[0]?.task()
    last().refuse()
    waits[1]?.task()
    expect(waits.map(wait => wait.ms)).toEqual([1_000, 2_000])
    expect(sources.map(source => source.url)).toEqual(['/stream?after=0', '/stream?after=1', '/stream?after=1'])
  })

  it('starts with the short wait again once it was open', () => {
    const { last, waits } = setUp()
    last().refuse()
    waits[0]?.task()
    last().open()
    last().refuse()
    expect(waits.map(wait => wait.ms)).toEqual([1_000, 1_000])
  })

  it('stays closed once closed', () => {
    const { stream, last, received, statuses, cancelled, waits } = setUp()
    last().refuse()
    stream.close()
    last().send('line', 'late')
    expect(cancelled).toHaveBeenCalledOnce()
    expect(waits).toHaveLength(1)
    expect(received).toEqual([])
    expect(statuses.at(-1)).toBe('closed')
  })
})

describe('retryDelay', () => {
  it('doubles up to twenty seconds', () => {
    expect([0, 1, 2, 3, 4, 5, 50].map(retryDelay)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000])
  })
})
