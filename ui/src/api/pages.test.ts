import { VueQueryPlugin } from '@tanstack/vue-query'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createApp, effectScope, ref } from 'vue'
import { usePages } from './queries'
import { createQueryClient } from './query-client'
import type { Page } from './types'

/** The only limit is there to end a test that hangs. */
const soon = (check: () => void) => vi.waitFor(check, { timeout: 30_000 })

describe('usePages', () => {
  let scope = effectScope(true)
  afterEach(() => scope.stop())

  /** A list, and a server whose answers come when the test says so. */
  function setUp() {
    scope = effectScope(true)
    const client = createQueryClient()
    const filter = ref({ state: 'all' })
    const answers: ((page: Page<string>) => void)[] = []
    const load = vi.fn(() => new Promise<Page<string>>(done => answers.push(done)))
    const app = createApp({}).use(VueQueryPlugin, { queryClient: client })
    const pages = scope.run(() => app.runWithContext(() => usePages('runs', filter, load)))
    if (!pages) throw new Error('the scope has ended')
    /** Answers the call of that number, once it was made. */
    const answer = async (call: number, items: string[], next: string | null) => {
      await soon(() => expect(answers.length).toBeGreaterThanOrEqual(call))
      answers[call - 1]?.({ items, next })
    }
    return { client, filter, load, pages, answer }
  }

  it('loads the next page though a change made the list load again', async () => {
    const { client, load, pages, answer } = setUp()
    await answer(1, ['one'], 'two')
    await soon(() => expect(pages.items.value).toEqual(['one']))
    const more = pages.fetchNextPage()
    await soon(() => expect(load).toHaveBeenCalledTimes(2))
    void client.invalidateQueries({ queryKey: ['runs'] })
    await answer(3, ['one'], 'two')
    await answer(4, ['two'], 'three')
    await more
    expect(pages.items.value).toEqual(['one', 'two'])
    expect(load).toHaveBeenCalledTimes(4)
  })

  it('loads no page of the list of another filter', async () => {
    const { client, filter, load, pages, answer } = setUp()
    await answer(1, ['one'], 'two')
    await soon(() => expect(pages.items.value).toEqual(['one']))
    void client.invalidateQueries({ queryKey: ['runs'] })
    await soon(() => expect(load).toHaveBeenCalledTimes(2))
    const more = pages.fetchNextPage()
    filter.value = { state: 'failed' }
    await answer(3, ['broken'], 'next')
    await soon(() => expect(pages.items.value).toEqual(['broken']))
    await answer(2, ['one'], 'two')
    await more
    expect(pages.items.value).toEqual(['broken'])
    expect(load).toHaveBeenCalledTimes(3)
  })
})
