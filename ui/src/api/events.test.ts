import { QueryClient } from '@tanstack/vue-query'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { gatherInvalidations, keysOfChange } from './events'
import { CHANGE_TOPICS } from './types'

describe('keysOfChange', () => {
  it.each(CHANGE_TOPICS)('refreshes something for %s', topic => {
    expect(keysOfChange(JSON.stringify({ topic, id: 1 })).length).toBeGreaterThan(0)
  })

  it('refreshes the overview for whatever it shows', () => {
    for (const topic of ['deployment', 'request', 'host', 'config']) {
      expect(keysOfChange(JSON.stringify({ topic }))).toContain('overview')
    }
  })

  it('passes over what a newer server may send', () => {
    expect(keysOfChange('{"topic":"weather"}')).toEqual([])
    expect(keysOfChange('not json')).toEqual([])
  })
})

describe('gatherInvalidations', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  it('loads again once for many changes, and what costs much the more rarely', () => {
    const client = new QueryClient()
    const again = vi.spyOn(client, 'invalidateQueries')
    const counted = (key: string) =>
      again.mock.calls.filter(call => JSON.stringify(call[0]) === JSON.stringify({ queryKey: [key] })).length
    const gather = gatherInvalidations(client)
    for (let step = 0; step < 100; step++) {
      gather.add(['overview', 'figures'])
      vi.advanceTimersByTime(100)
    }
    expect([counted('overview'), counted('figures')]).toEqual([33, 0])
    vi.advanceTimersByTime(20_000)
    expect(counted('figures')).toBe(1)
  })

  it('asks for nothing once it is stopped', () => {
    const client = new QueryClient()
    const again = vi.spyOn(client, 'invalidateQueries')
    const gather = gatherInvalidations(client)
    gather.add(['overview', 'figures'])
    gather.stop()
    vi.runAllTimers()
    expect(again).not.toHaveBeenCalled()
  })
})
