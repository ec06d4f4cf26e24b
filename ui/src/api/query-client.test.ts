import { QueryObserver } from '@tanstack/vue-query'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createQueryClient } from './query-client'

const queryKey = ['deployment', 7]

/** The only limit is there to end a test that hangs. */
const soon = (check: () => void) => vi.waitFor(check, { timeout: 30_000 })

/** A client, and a server whose answers come when the test says so. */
function setUp() {
  const client = createQueryClient()
  const answers: { resolve: (text: string) => void; reject: (error: Error) => void }[] = []
  const queryFn = vi.fn(() => new Promise<string>((resolve, reject) => answers.push({ resolve, reject })))
  const look = () => new QueryObserver(client, { queryKey, queryFn, retry: false }).subscribe(() => {})
  return { client, answers, queryFn, look, state: () => client.getQueryState(queryKey) }
}

describe('createQueryClient', () => {
  const ends: (() => void)[] = []
  afterEach(() => {
    for (const end of ends.splice(0)) end()
  })

  it('loads again what was being loaded for the first time when it changed', async () => {
    const { client, answers, queryFn, look, state } = setUp()
    ends.push(look())
    await soon(() => expect(queryFn).toHaveBeenCalledTimes(1))
    for (let change = 0; change < 3; change++) await client.invalidateQueries({ queryKey: ['deployments'] })
    void client.invalidateQueries({ queryKey: ['deployment'] })
    void client.invalidateQueries({ queryKey: ['deployment'] })
    answers[0]?.resolve('running')
    await soon(() => expect(queryFn).toHaveBeenCalledTimes(2))
    answers[1]?.resolve('succeeded')
    await soon(() => expect(state()?.data).toBe('succeeded'))
    expect(state()).toMatchObject({ fetchStatus: 'idle', isInvalidated: false })
    expect(queryFn).toHaveBeenCalledTimes(2)
  })

  it('doubts the answer that came when nobody was looking any more', async () => {
    const { client, answers, queryFn, look, state } = setUp()
    const leave = look()
    await soon(() => expect(queryFn).toHaveBeenCalledTimes(1))
    leave()
    void client.invalidateQueries({ queryKey })
    answers[0]?.resolve('running')
    await soon(() => expect(state()).toMatchObject({ data: 'running', isInvalidated: true }))
    expect(queryFn).toHaveBeenCalledTimes(1)
    ends.push(look())
    await soon(() => expect(queryFn).toHaveBeenCalledTimes(2))
  })

  it('does not ask again for what could not be loaded', async () => {
    const { client, answers, queryFn, look, state } = setUp()
    ends.push(look())
    await soon(() => expect(queryFn).toHaveBeenCalledTimes(1))
    const done = client.invalidateQueries({ queryKey })
    answers[0]?.reject(new Error('no'))
    await done
    await soon(() => expect(state()?.status).toBe('error'))
    expect(queryFn).toHaveBeenCalledTimes(1)
  })
})
