import { describe, expect, it } from 'vitest'
import type { Job } from '@/api/types'
import { toTimeline } from './timeline'

const at = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1_000).toISOString()
const job = (created: number, started: number | null, ended: number | null) =>
  ({
    created_at: at(created),
    started_at: started === null ? null : at(started),
    ended_at: ended === null ? null : at(ended),
  }) as Job

describe('toTimeline', () => {
  it('puts waiting and running on one axis', () => {
    const { bars } = toTimeline([job(0, 10, 50), job(0, 60, 100)], Date.parse(at(500)))
    expect(bars.map(({ from, start, end }) => [from, start, end])).toEqual([
      [0, 0.1, 0.5],
      [0, 0.6, 1],
    ])
  })

  it('lets what has not ended last until now', () => {
    const { bars } = toTimeline([job(0, 10, null), job(0, null, null)], Date.parse(at(20)))
    expect(bars.map(({ start, end }) => [start, end])).toEqual([
      [0.5, 1],
      [null, 1],
    ])
  })

  it.each([
    [4, [0, 1, 2, 3, 4]],
    [100, [0, 30, 60, 90]],
    [400, [0, 120, 240, 360]],
    [100_000, [0, 28_800, 57_600, 86_400]],
    [1_000_000, [0, 172_800, 345_600, 518_400, 691_200, 864_000]],
  ])('marks round times in %i seconds', (length, seconds) => {
    const { ticks } = toTimeline([job(0, 0, length)], 0)
    expect(ticks.map(tick => tick.seconds)).toEqual(seconds)
    expect(Math.max(...ticks.map(tick => tick.at))).toBeLessThanOrEqual(1)
  })

  it('is empty without jobs', () => {
    expect(toTimeline([], 0)).toEqual({ bars: [], ticks: [] })
  })
})
