import { describe, expect, it } from 'vitest'
import { readDetail } from './before-after'
import { placeOfSubject } from './feed-subject'

describe('what a feed entry says', () => {
  it('shows what changed, and only that', () => {
    const detail = {
      before: { role: 'viewer', groups: ['ops'], review: { required: 1, note: 'x' } },
      after: { role: 'operator', groups: ['ops', 'leads'], review: { required: 2, note: 'x' } },
    }
    expect(readDetail(detail)).toEqual({
      changed: [
        { name: 'role', before: 'viewer', after: 'operator' },
        { name: 'groups', before: 'ops', after: 'ops, leads' },
        { name: 'review.required', before: '1', after: '2' },
      ],
      facts: [],
    })
  })

  it('shows what came and what went', () => {
    expect(readDetail({ before: null, after: { name: 'ci' } }).changed).toEqual([
      { name: 'name', before: null, after: 'ci' },
    ])
    expect(readDetail({ before: { name: 'ci' }, after: null }).changed).toEqual([
      { name: 'name', before: 'ci', after: null },
    ])
    expect(readDetail({ before: 1, after: 2 }).changed).toEqual([{ name: '', before: '1', after: '2' }])
  })

  it('keeps everything else as facts', () => {
    expect(readDetail({ reason: 'outage', hosts: [{ name: 'web-1' }], none: null }).facts).toEqual([
      { name: 'reason', text: 'outage' },
      { name: 'hosts', text: '[{"name":"web-1"}]' },
    ])
    expect(readDetail('a sentence').facts).toEqual([{ name: '', text: 'a sentence' }])
    expect(readDetail(null)).toEqual({ changed: [], facts: [] })
  })
})

describe('what a feed entry is about', () => {
  it('has a page when it is numbered', () => {
    expect(placeOfSubject('request 12')).toEqual({ name: 'request', params: { id: '12' } })
    for (const subject of ['ana', 'request', 'request twelve', 'constructor 1', 'app shop'])
      expect(placeOfSubject(subject)).toBeNull()
  })
})
