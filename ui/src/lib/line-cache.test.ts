import { describe, expect, it } from 'vitest'
import { CHUNK, LineCache } from './line-cache'

const range = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, offset) => first + offset)

/** A cache of a log whose lines are their places, and what it asked for. */
function cacheOf(total: number) {
  const asked: number[] = []
  const answers: (() => void)[] = []
  const failures: unknown[] = []
  let written = total
  const cache = new LineCache<number>({
    fetch: (place, limit, signal) =>
      new Promise((resolve, reject) => {
        asked.push(place)
        signal.addEventListener('abort', () => reject(new Error('aborted')))
        const until = Math.min(written, place + limit)
        answers.push(() => resolve(Array.from({ length: until - place }, (_, offset) => place + offset)))
      }),
    changed: () => {},
    failed: error => failures.push(error),
  })
  cache.reset(total)
  const settle = async () => {
    while (answers.length) {
      answers.shift()?.()
      await Promise.resolve()
      await Promise.resolve()
    }
  }
  const write = () => cache.push(written++)
  return { cache, asked, settle, write, failures }
}

describe('LineCache', () => {
  it('asks for what comes into sight, once', async () => {
    const { cache, asked, settle } = cacheOf(1_000_000)
    expect(cache.at(500_000)).toBeUndefined()
    cache.want(range(499_990, 500_050))
    cache.want(range(499_990, 500_060))
    await settle()
    cache.want(range(499_995, 500_060))
    expect(asked).toEqual([499_600, 500_000])
    expect([cache.at(499_990), cache.at(500_060)]).toEqual([499_990, 500_060])
  })

  it('does not load what was only passed by', async () => {
    const { cache, asked, settle } = cacheOf(1_000_000)
    for (let place = 0; place < 100 * CHUNK; place += CHUNK) cache.want(range(place, place + 50))
    await settle()
    expect(asked).toEqual([0, CHUNK, 99 * CHUNK])
  })

  it('forgets what was not looked at for long', async () => {
    const { cache, settle } = cacheOf(1_000_000)
    for (let chunk = 0; chunk < 100; chunk++) {
      cache.want([chunk * CHUNK])
      await settle()
    }
    expect(cache.at(0)).toBeUndefined()
    expect(cache.at(99 * CHUNK)).toBe(99 * CHUNK)
  })

  it('takes lines that are written meanwhile', async () => {
    const { cache, asked, settle, write } = cacheOf(CHUNK + 1)
    write()
    expect(cache.at(CHUNK + 1)).toBeUndefined()
    cache.want([CHUNK, CHUNK + 1])
    write()
    await settle()
    expect([CHUNK, CHUNK + 1].map(place => cache.at(place))).toEqual([CHUNK, CHUNK + 1])
    cache.want([CHUNK, CHUNK + 2])
    await settle()
    expect(cache.at(CHUNK + 2)).toBe(CHUNK + 2)
    while (cache.total <= 2 * CHUNK) write()
    expect(cache.at(2 * CHUNK)).toBe(2 * CHUNK)
    expect(asked).toEqual([CHUNK, CHUNK])
  })

  it('does not ask again and again for lines that are gone', async () => {
    const { cache, asked, settle } = cacheOf(10)
    cache.total = 20
    cache.want(range(0, 20))
    await settle()
    cache.want(range(0, 20))
    await settle()
    expect(asked).toHaveLength(1)
  })

  it('drops answers to what is looked at no more', async () => {
    const { cache, settle, failures } = cacheOf(10)
    cache.want(range(0, 5))
    cache.reset(3)
    await settle()
    expect(cache.at(0)).toBeUndefined()
    expect(failures).toEqual([])
  })
})
