import { describe, expect, it, vi } from 'vitest'
import type { DeliveryFigures, Figures } from '@/api/types'
import { formatDay, formatLength, formatNumber, formatRate, isEmpty, ownZone, stepOf, trendOf } from './figures'

const nothing: Figures = {
  from: '2026-01-01T00:00:00Z',
  to: '2026-01-08T00:00:00Z',
  live: 0,
  rolled_back: 0,
  failed: 0,
  reverted: 0,
  stopped: 0,
  rollbacks: 0,
  per_day: 0,
  failure_rate: null,
  lead: null,
  restore: null,
}

function against(before: Partial<Figures>, period: Partial<Figures>): DeliveryFigures {
  const whole = { ...nothing, ...period }
  return { days: 7, period: whole, before: { ...nothing, ...before }, weeks: false, parts: [whole], open: 0 }
}

const took = (median: number) => ({ count: 1, median, p90: median })

describe('lengths of time', () => {
  it.each([
    [0, '0s'],
    [59, '59s'],
    [60, '1m'],
    [90, '1.5m'],
    [45 * 60, '45m'],
    [3600, '1h'],
    [9.25 * 3600, '9.3h'],
    [30 * 3600, '30h'],
    [48 * 3600, '2d'],
    [40 * 86_400, '40d'],
  ])('%d s', (seconds, text) => {
    expect(formatLength(seconds, 'en')).toBe(text)
  })

  it('speaks Chinese', () => {
    expect(formatLength(3 * 86_400, 'zh-CN')).toBe('3天')
  })
})

it.each([
  [0, 1],
  [4, 1],
  [59, 15],
  [3 * 60, 60],
  [8_000, 3_600],
  [9 * 86_400, 7 * 86_400],
  [9_000 * 86_400, 720 * 86_400],
])('divides an axis of %d s by a round length', (longest, step) => {
  expect(stepOf(longest)).toBe(step)
})

it('shows rates and numbers without false precision', () => {
  expect(formatRate(1 / 3, 'en')).toBe('33%')
  expect([formatNumber(0.428, 'en'), formatNumber(31.4, 'en')]).toEqual(['0.4', '31'])
  expect(formatDay('2026-01-31T23:00:00Z', 'en', 'Europe/Berlin')).toBe('Feb 1')
})

describe('the period before', () => {
  it.each([
    ['frequency', { live: 10 }, { live: 20 }, 'better'],
    ['frequency', { live: 20 }, { live: 10 }, 'worse'],
    ['frequency', { live: 100 }, { live: 103 }, 'same'],
    ['frequency', {}, { live: 3 }, 'none'],
    ['lead', { lead: took(100) }, { lead: took(50) }, 'better'],
    ['lead', { lead: took(50) }, { lead: took(100) }, 'worse'],
    ['lead', { lead: took(50) }, {}, 'none'],
    ['failures', { failure_rate: 0.5 }, { failure_rate: 0 }, 'better'],
    ['failures', { failure_rate: 0 }, { failure_rate: 0 }, 'same'],
    ['restore', { restore: took(0) }, { restore: took(60) }, 'worse'],
  ] as const)('%s: %o, then %o', (name, before, period, trend) => {
    expect(trendOf(name, against(before, period))).toBe(trend)
  })
})

it('knows when nothing happened', () => {
  expect(isEmpty(against({}, {}))).toBe(true)
  expect(isEmpty(against({ rollbacks: 1 }, {}))).toBe(false)
  expect(isEmpty(against({}, { stopped: 1 }))).toBe(false)
})

describe('the time zone of the reader', () => {
  it.each([
    ['Asia/Shanghai', 'Asia/Shanghai'],
    ['Etc/Unknown', 'UTC'],
    ['', 'UTC'],
  ])('%j is asked for as %s', (timeZone, expected) => {
    const options = new Intl.DateTimeFormat().resolvedOptions()
    const told = vi.spyOn(Intl.DateTimeFormat.prototype, 'resolvedOptions').mockReturnValue({ ...options, timeZone })
    expect(ownZone()).toBe(expected)
    told.mockRestore()
  })
})
