import { describe, expect, it } from 'vitest'
import type { ReleaseInput, ReleaseRequest } from '@/api/types'
import {
  commitOf,
  emptyItem,
  emptyRequest,
  flawOf,
  flawOfItem,
  fromRequest,
  type ItemForm,
  type RequestForm,
  shaBeginning,
  toBatchBody,
  toDeployBody,
  toEditBody,
  voidsApprovals,
} from './request-form'

const SHA = 'a'.repeat(40)
const REASON: ReleaseInput = { name: 'REASON', label: 'Reason', default: null, required: true, choices: [] }
const none = () => []

function form(item: Partial<ItemForm>, more: Partial<RequestForm> = {}): RequestForm {
  return { ...emptyRequest('production'), items: [{ ...emptyItem('shop'), ...item }], ...more }
}

describe('flawOf', () => {
  const inputsOf = () => [REASON]
  it.each([
    ['nothing', emptyRequest(), none, 'environment'],
    ['no app', emptyRequest('production'), none, 'app'],
    ['no branch', form({}), none, 'what'],
    ['half a SHA', form({ source: 'commit', commit: 'abc' }), none, 'commit'],
    ['no build', form({ source: 'build' }), none, 'what'],
    ['questions not known yet', form({ branch: 'main' }), () => undefined, 'loading'],
    ['a needed answer missing', form({ branch: 'main' }), inputsOf, 'inputs'],
    ['a needed answer given', form({ branch: 'main', inputs: { REASON: 'x' } }), inputsOf, null],
    ['a time that has passed', form({ branch: 'main' }, { at: '2020-01-01T00:00' }), none, 'past'],
    [
      'an app twice',
      {
        ...form({}),
        items: [
          { ...emptyItem('shop'), branch: 'a' },
          { ...emptyItem('shop'), branch: 'b' },
        ],
      },
      none,
      'twice',
    ],
    ['a whole SHA', form({ source: 'commit', commit: ` ${SHA} ` }), none, null],
  ])('with %s', (_, filled, inputs, flaw) => {
    expect(flawOf(filled, inputs, Date.parse('2026-01-01'))).toBe(flaw)
  })
})

describe('what is sent', () => {
  it('is the ref alone for its newest commit, both for an older one', () => {
    expect(toDeployBody(form({ branch: 'main' }), none)).toEqual({ ref: 'main' })
    expect(toDeployBody(form({ source: 'tag', tag: 'v1', picked: SHA }), none)).toEqual({ ref: 'v1', commit: SHA })
  })

  it('has every answer, defaults included, and the words that were said', () => {
    const filled = form({ source: 'build', build: 7, hosts: ['web-1'] }, { title: ' Faster ', at: '2026-05-01T08:00' })
    expect(toDeployBody(filled, () => [{ ...REASON, default: 'none' }])).toEqual({
      build: 7,
      inputs: { REASON: 'none' },
      hosts: ['web-1'],
      title: 'Faster',
      scheduled_at: new Date('2026-05-01T08:00').toISOString(),
    })
  })

  it('names each app of a batch', () => {
    const two = {
      ...form({ branch: 'main' }),
      items: ['shop', 'blog'].map(app => ({ ...emptyItem(app), branch: 'main' })),
    }
    expect(toBatchBody(two, none)).toEqual({
      environment: 'production',
      items: [
        { app: 'shop', ref: 'main' },
        { app: 'blog', ref: 'main' },
      ],
    })
  })
})

describe('an edit', () => {
  const request = {
    app: 'shop',
    environment: 'production',
    git_ref: 'refs/heads/main',
    commit: SHA,
    title: 'Faster',
    description: '',
    scheduled_at: null,
    build_id: null,
    hosts: null,
    inputs: {},
  } as unknown as ReleaseRequest

  it('sends only what differs', () => {
    const before = fromRequest(request)
    expect(toEditBody(fromRequest(request), before, 3, [], false)).toEqual({ version: 3 })
    const after = fromRequest(request)
    after.title = 'Faster still'
    after.items[0] = { ...emptyItem('shop'), branch: 'next' }
    expect(toEditBody(after, before, 3, [], true)).toEqual({
      version: 3,
      title: 'Faster still',
      ref: 'next',
      latest_config: true,
    })
  })

  it('takes approvals away, but another time does not', () => {
    expect(voidsApprovals({ version: 3, scheduled_at: null })).toBe(false)
    expect(voidsApprovals({ version: 3, title: 'x' })).toBe(true)
  })

  it('keeps a time as it is shown', () => {
    const planned = { ...request, scheduled_at: new Date('2026-05-01T08:00').toISOString() }
    expect(fromRequest(planned).at).toBe('2026-05-01T08:00')
  })
})

describe('a commit by its SHA', () => {
  const full = '1a2b3c4d'.repeat(5)

  it('is typed in full, or its beginning is looked up', () => {
    expect(shaBeginning(' 1A2B3C4 ')).toBe('1a2b3c4')
    expect(shaBeginning('1a2b3c')).toBe('')
    expect(shaBeginning('main')).toBe('')
    expect(commitOf({ commit: ` ${full.toUpperCase()} `, picked: '' })).toBe(full)
    expect(commitOf({ commit: '1a2b3c4', picked: full })).toBe(full)
  })

  it('is none until the beginning was found, or when it means another one', () => {
    expect(commitOf({ commit: '1a2b3c4', picked: '' })).toBe('')
    expect(commitOf({ commit: '9f8e7d6', picked: full })).toBe('')
    expect(commitOf({ commit: '', picked: full })).toBe('')
    expect(flawOfItem({ ...emptyItem('shop'), source: 'commit', commit: '1a2b3c4', picked: full }, [])).toBeNull()
    expect(flawOfItem({ ...emptyItem('shop'), source: 'commit', commit: '1a2b3c4' }, [])).toBe('commit')
  })
})
