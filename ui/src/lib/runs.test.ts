// Rules about runs and changes, a table each.
import { describe, expect, it } from 'vitest'
import type { Change, Job, MergePolicy } from '@/api/types'
import { conditionsOf } from './holds'
import { readAddress, writeAddress } from './log-address'
import { repositoryFilter, repositoryKey } from './repository'
import { attemptsAt, firstToShow, isBad, isOver } from './runs'
import { formatSize } from './size'

const job = (id: number, state: Job['state'], more: Partial<Job> = {}) =>
  ({ id, key: `job-${id}`, index: 0, attempt: 1, state, started_at: 'x', latest: true, ...more }) as Job

describe('firstToShow', () => {
  it.each([
    ['what failed', [job(1, 'success'), job(2, 'running'), job(3, 'failure')], 3],
    ['what runs', [job(1, 'success'), job(2, 'running')], 2],
    ['the first that ran', [job(1, 'skipped', { started_at: null }), job(2, 'success')], 2],
    ['the first', [job(1, 'queued', { started_at: null }), job(2, 'queued', { started_at: null })], 1],
    ['no attempt that was repeated', [job(1, 'failure', { latest: false }), job(2, 'success')], 2],
  ])('is %s', (_, jobs, id) => {
    expect(firstToShow(jobs)?.id).toBe(id)
  })

  it('is nothing without jobs', () => {
    expect(firstToShow([])).toBeUndefined()
  })
})

describe('attemptsAt', () => {
  it('are those of the same place in a matrix, in order', () => {
    const place = { key: 'test', index: 1 }
    const jobs = [job(3, 'success', { ...place, attempt: 2 }), job(1, 'failure', place), job(2, 'success')]
    expect(attemptsAt(jobs, jobs[1] as Job).map(each => each.id)).toEqual([1, 3])
  })
})

describe('states', () => {
  it('know what is over and what can be tried again', () => {
    expect(isOver('awaiting_approval')).toBe(false)
    expect(isOver('timed_out')).toBe(true)
    expect(isBad('cancelled')).toBe(true)
    expect(isBad('skipped')).toBe(false)
  })
})

describe('log addresses', () => {
  it.each([
    ['#job-12', { job: 12 }],
    ['#job-12:34', { job: 12, line: 34 }],
  ])('%s is %j and back', (hash, address) => {
    expect(readAddress(hash)).toEqual(address)
    expect(writeAddress(address)).toBe(hash)
  })

  it.each(['', '#job-', '#job-1:', '#job-1:2:3', '#main'])('%j is none', hash => {
    expect(readAddress(hash)).toBeNull()
  })
})

describe('repositoryKey', () => {
  it('is one text there and back', () => {
    const key = repositoryKey({ forge: 'gitlab', name: 'platform/tools/ledger' })
    expect(repositoryFilter(key)).toEqual({ forge: 'gitlab', repository: 'platform/tools/ledger' })
    expect(repositoryFilter('')).toEqual({})
  })
})

describe('conditionsOf', () => {
  const change = (...codes: string[]) => ({ holds: codes.map(code => ({ code, sentence: code })) }) as unknown as Change
  const policy = { queue: false } as MergePolicy
  const open = (of: ReturnType<typeof conditionsOf>) =>
    of
      .filter(({ holds }) => holds.length)
      .map(({ name, holds }) => `${name}: ${holds.map(hold => hold.code).join(' ')}`)

  it('puts each hold under what has to be right', () => {
    expect(open(conditionsOf(change('not_asked', 'draft', 'missing', 'red', 'conflict'), policy))).toEqual([
      'asked: not_asked',
      'ready: draft',
      'checks: missing red',
      'mergeable: conflict',
    ])
  })

  it('shows the queue where there is one, or where a merge failed', () => {
    const names = (codes: string[], queue: boolean) =>
      conditionsOf(change(...codes), { ...policy, queue }).map(({ name }) => name)
    expect(names([], false)).not.toContain('queue')
    expect(names([], true)).toContain('queue')
    expect(names(['failed'], false)).toContain('queue')
  })

  it('loses nothing that a newer server says', () => {
    expect(open(conditionsOf(change('full_moon'), policy))).toEqual(['mergeable: full_moon'])
  })
})

describe('formatSize', () => {
  it.each([
    [0, '0 byte'],
    [999, '999 byte'],
    [1_834_221, '1.8 MB'],
    [5_000_000_000_000, '5,000 GB'],
  ])('of %i is %s', (bytes, text) => {
    expect(formatSize(bytes, 'en')).toBe(text)
  })
})
