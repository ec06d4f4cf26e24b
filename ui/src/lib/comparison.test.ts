import { describe, expect, it } from 'vitest'
import type { CellOutcome, CellState } from '@/api/types'
import { isSlower, outcomeDiffers } from './comparison'

const cell = (before: CellOutcome | null, now: CellOutcome | null) => ({ host: 'web-1', step: 4, before, now })
const ended = (state: CellState, took: number | null = 1_000): CellOutcome => ({ state, took })

describe('comparison', () => {
  it('tells other outcomes from the same', () => {
    expect(outcomeDiffers(cell(ended('succeeded'), ended('failed')))).toBe(true)
    expect(outcomeDiffers(cell(null, ended('succeeded')))).toBe(true)
    expect(outcomeDiffers(cell(ended('failed', 1), ended('failed', 9)))).toBe(false)
  })

  it('calls slower what a person notices', () => {
    const slower = (was: number | null, is: number | null) =>
      isSlower(cell(ended('succeeded', was), ended('succeeded', is)))
    expect([slower(1_000, 2_000), slower(10_000, 15_000)]).toEqual([true, true])
    expect([slower(100, 900), slower(10_000, 14_000), slower(null, 9_000), slower(9_000, 1_000)]).toEqual(
      Array(4).fill(false),
    )
    expect(isSlower(cell(null, ended('succeeded', 9_000)))).toBe(false)
  })
})
