import { describe, expect, it } from 'vitest'
import { keysOfChange } from './events'
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
