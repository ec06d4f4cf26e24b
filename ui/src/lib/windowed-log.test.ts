import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import { useWindowedLog } from './windowed-log'

interface Line {
  seq: number
  text: string
}

/** What the server would send. */
class FakeStream {
  static readonly opened: FakeStream[] = []
  readonly CLOSED = 2
  readyState = 1
  onopen: (() => void) | null = null
  onerror: (() => void) | null = null
  closed = false
  private readonly listeners = new Map<string, (event: { data: string }) => void>()

  constructor(readonly url: string) {
    FakeStream.opened.push(this)
  }

  addEventListener(name: string, listener: (event: { data: string }) => void) {
    this.listeners.set(name, listener)
  }

  send(name: string, data: unknown) {
    this.listeners.get(name)?.({ data: JSON.stringify(data) })
  }

  close() {
    this.closed = true
  }
}

const line = (seq: number): Line => ({ seq, text: seq % 2 ? 'odd' : 'even' })
const settle = () => vi.advanceTimersByTimeAsync(100)

/** A log in which only even lines are shown; `written` are there at the beginning. */
function logOf(written: number) {
  const stored = { last: written, broken: false }
  const scope = effectScope()
  const log = scope.run(() =>
    useWindowedLog<Line, { state: string }>({
      begin: async () => ({ total: Math.floor(stored.last / 2), last_seq: stored.last }),
      page: async (place, limit) => {
        if (stored.broken) throw new Error('bad gateway')
        const length = Math.min(limit, Math.floor(stored.last / 2) - place)
        return Array.from({ length }, (_, offset) => line((place + offset + 1) * 2))
      },
      streamUrl: after => `after=${after}`,
      receive: ({ seq }) => seq % 2 === 0,
    }),
  )
  if (!log) throw new Error('no scope')
  return { log, scope, stored }
}

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'requestAnimationFrame', 'cancelAnimationFrame'] })
  vi.stubGlobal('EventSource', FakeStream)
  FakeStream.opened.length = 0
})
afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('useWindowedLog', () => {
  it('knows how many lines there are and holds those in sight', async () => {
    const { log } = logOf(1_000)
    await settle()
    expect(log.extent.value).toEqual({ total: 500, lastSeq: 1_000 })
    expect(FakeStream.opened[0]?.url).toBe('after=1000')
    log.want([450, 451])
    await settle()
    expect(log.lineAt(450)).toEqual(line(902))
    expect(log.lineAt(0)).toBeUndefined()
  })

  it('counts lines that come by stream once, and only those that are shown', async () => {
    const { log } = logOf(10)
    await settle()
    for (const seq of [11, 12, 12, 13, 14]) FakeStream.opened[0]?.send('line', line(seq))
    await settle()
    expect(log.extent.value).toEqual({ total: 7, lastSeq: 14 })
    FakeStream.opened[0]?.send('end', { state: 'succeeded' })
    expect([log.status.value, FakeStream.opened[0]?.closed]).toEqual(['complete', true])
  })

  it('begins again after the last line that the new beginning counts', async () => {
    const { log, stored } = logOf(10)
    await settle()
    FakeStream.opened[0]?.send('line', line(11))
    stored.last = 20
    void log.restart()
    FakeStream.opened[0]?.send('line', line(12))
    await settle()
    expect(log.extent.value).toEqual({ total: 10, lastSeq: 20 })
    expect(FakeStream.opened.map(({ url, closed }) => [url, closed])).toEqual([
      ['after=10', true],
      ['after=20', false],
    ])
    FakeStream.opened[1]?.onopen?.()
    expect(log.status.value).toBe('open')
  })

  it('asks again for lines in sight that did not come, and says nothing of it once they are there', async () => {
    const { log, stored } = logOf(10)
    await settle()
    stored.broken = true
    log.want([0])
    await settle()
    expect([log.error.value, log.lineAt(0)]).toEqual([new Error('bad gateway'), undefined])
    stored.broken = false
    await vi.advanceTimersByTimeAsync(5_000)
    expect([log.error.value, log.lineAt(0)]).toEqual([null, line(2)])
  })

  it('closes its stream with the page', async () => {
    const { scope } = logOf(10)
    await settle()
    scope.stop()
    expect(FakeStream.opened[0]?.closed).toBe(true)
  })
})
