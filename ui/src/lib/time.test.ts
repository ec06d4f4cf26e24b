import { describe, expect, it } from 'vitest'
import { durationParts, formatAge, formatSpan, formatWait } from './time'

const NOW = Date.parse('2026-03-10T12:00:00.000Z')

describe('formatAge', () => {
  it.each([
    ['2026-03-10T11:59:58.000Z', 'now', '现在'],
    ['2026-03-10T11:59:30.000Z', '30s ago', '30秒前'],
    ['2026-03-10T11:58:01.000Z', '1m ago', '1分钟前'],
    ['2026-03-10T09:00:00.000Z', '3h ago', '3小时前'],
    ['2026-03-09T11:00:00.000Z', 'yesterday', '昨天'],
    ['2025-12-01T12:00:00.000Z', '3mo ago', '3个月前'],
    ['2026-03-10T12:00:20.000Z', 'now', '现在'],
  ])('of %s is %s and %s', (at, english, chinese) => {
    expect(formatAge(at, NOW, 'en')).toBe(english)
    expect(formatAge(at, NOW, 'zh-CN')).toBe(chinese)
  })
})

describe('formatWait', () => {
  it.each([
    ['2026-03-10T12:00:30.000Z', 'in 30s', '30秒后'],
    ['2026-03-10T12:05:59.000Z', 'in 5m', '5分钟后'],
    ['2026-03-10T11:00:00.000Z', 'now', '现在'],
  ])('for %s is %s and %s', (at, english, chinese) => {
    expect(formatWait(at, NOW, 'en')).toBe(english)
    expect(formatWait(at, NOW, 'zh-CN')).toBe(chinese)
  })
})

describe('durationParts', () => {
  it.each([
    ['2026-03-10T11:59:58.770Z', '2026-03-10T12:00:00.000Z', { hours: 0, minutes: 0, seconds: 1.2 }],
    ['2026-03-10T11:58:26.000Z', '2026-03-10T12:00:00.900Z', { hours: 0, minutes: 1, seconds: 34 }],
    ['2026-03-10T09:30:00.000Z', '2026-03-10T12:00:00.000Z', { hours: 2, minutes: 30, seconds: 0 }],
    ['2026-03-10T12:00:01.000Z', '2026-03-10T12:00:00.000Z', { hours: 0, minutes: 0, seconds: 0 }],
  ])('from %s to %s', (start, end, parts) => {
    expect(durationParts(start, end, 0)).toEqual(parts)
  })

  it('of what still runs is in whole seconds up to now', () => {
    expect(durationParts('2026-03-10T11:59:56.500Z', null, NOW)).toEqual({ hours: 0, minutes: 0, seconds: 3 })
  })
})

describe('formatSpan', () => {
  it.each([
    [0, 'en', '0s'],
    [90, 'en', '90s'],
    [120, 'en', '2m'],
    [7_200, 'en', '2h'],
    [120, 'zh-CN', '2分钟'],
  ])('of %i in %s is %s', (seconds, locale, text) => {
    expect(formatSpan(seconds, locale)).toBe(text)
  })
})
