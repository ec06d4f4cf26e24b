import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope } from 'vue'
import { useLogSearch } from './log-search'

/** A log in which every tenth line of a thousand holds the text; the server names two on either side. */
function searched(last = 1_000) {
  const asked: number[] = []
  const scope = effectScope()
  const search = scope.run(() =>
    useLogSearch(async (query, from) => {
      asked.push(from)
      const all = query === 'x' ? Array.from({ length: last / 10 }, (_, index) => (index + 1) * 10) : []
      const earlier = all.filter(seq => seq < from)
      const lines = [...earlier.slice(-2), ...all.filter(seq => seq >= from).slice(0, 2)]
      return { total: all.length, before: Math.max(0, earlier.length - 2), lines, last_seq: last }
    }),
  )
  if (!search) throw new Error('no scope')
  return { search, asked, scope }
}

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

async function type(search: ReturnType<typeof useLogSearch>, text: string, from = 1) {
  search.search(text, from)
  await vi.runAllTimersAsync()
}

describe('useLogSearch', () => {
  it('searches when the typing pauses, and goes to the next match from where the reader is', async () => {
    const { search, asked } = searched()
    search.search('y', 1)
    await type(search, 'x', 495)
    expect(asked).toEqual([495])
    expect([search.total.value, search.ordinal.value, search.current.value]).toEqual([100, 50, 500])
  })

  it('goes from match to match beyond what the server named', async () => {
    const { search } = searched()
    await type(search, 'x', 500)
    for (let step = 0; step < 5; step++) await search.move(1)
    expect([search.ordinal.value, search.current.value]).toEqual([55, 550])
    for (let step = 0; step < 9; step++) await search.move(-1)
    expect([search.ordinal.value, search.current.value]).toEqual([46, 460])
  })

  it('leads back to the only match', async () => {
    const { search } = searched(10)
    await type(search, 'x')
    const before = search.visits.value
    await search.move(1)
    expect([search.current.value, search.visits.value]).toEqual([10, before + 1])
  })

  it('goes on at the other end', async () => {
    const { search } = searched()
    await type(search, 'x')
    await search.move(-1)
    expect([search.ordinal.value, search.current.value]).toEqual([100, 1_000])
    await search.move(1)
    expect([search.ordinal.value, search.current.value]).toEqual([1, 10])
  })

  it('says that there is none', async () => {
    const { search } = searched()
    await type(search, 'nothing')
    expect([search.total.value, search.ordinal.value, search.current.value]).toEqual([0, 0, undefined])
    await search.move(1)
    expect(search.current.value).toBeUndefined()
    await type(search, '')
    expect(search.total.value).toBeUndefined()
  })

  it('counts lines that are written meanwhile', async () => {
    const { search } = searched(20)
    await type(search, 'x')
    search.add({ seq: 20, text: 'x, which was counted' })
    search.add({ seq: 21, text: 'nothing' })
    search.add({ seq: 22, text: 'an \u001b[1mX\u001b[0m' })
    expect(search.total.value).toBe(3)
    await search.move(-1)
    expect(search.current.value).toBe(22)
  })
})
