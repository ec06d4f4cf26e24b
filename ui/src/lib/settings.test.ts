import { describe, expect, it } from 'vitest'
import { mayAnywhere, mayIn, type Person } from './access'
import { leadsSomewhere } from './navigation'
import { formatScope, parseScope } from './scope'
import { tabsOf } from './settings-tabs'
import { browserName } from './user-agent'

describe('scopes', () => {
  it.each(['all', 'environment:production', 'app:shop', 'app:shop@staging', 'label:web'])(
    '%s is read and written',
    text => {
      const parts = parseScope(text)
      expect(parts && formatScope(parts)).toBe(text)
    },
  )

  it('are not guessed', () => {
    for (const text of ['', 'app:', 'all:x', 'region:eu', 'environment:']) expect(parseScope(text)).toBeNull()
    expect(formatScope({ kind: 'app', app: '', environment: 'staging', label: '' })).toBeNull()
    expect(formatScope({ kind: 'label', app: '', environment: '', label: '  ' })).toBeNull()
  })
})

describe('the navigation', () => {
  const entries = (role: Person['role'], ...scopes: string[]) => {
    const person: Person = { role, grants: scopes.map(scope => ({ role: 'viewer', scope })) }
    const rights = {
      may: (action: Parameters<typeof mayIn>[1]) => mayIn(person, action),
      mayAnywhere: (action: Parameters<typeof mayIn>[1]) => mayAnywhere(person, action),
    }
    return ['apps', 'requests', 'feed', 'outbox', 'configuration', 'settings'].filter(name =>
      leadsSomewhere(name, rights),
    )
  }

  it('leaves out what would be refused', () => {
    expect(entries('viewer')).toEqual(['apps', 'requests', 'feed', 'outbox', 'configuration', 'settings'])
    expect(entries(null, 'app:shop')).toEqual(['apps', 'requests', 'feed', 'settings'])
    expect(entries(null)).toEqual(['apps', 'settings'])
  })
})

describe('tabs of the settings', () => {
  const rights = (person: Person) => ({
    may: (action: Parameters<typeof mayIn>[1]) => mayIn(person, action),
    mayAnywhere: (action: Parameters<typeof mayIn>[1]) => mayAnywhere(person, action),
  })

  it('are all there for an administrator', () => {
    expect(tabsOf(rights({ role: 'admin', grants: [] }))).toEqual([
      'users',
      'groups',
      'grants',
      'values',
      'repositories',
      'channels',
      'identity',
    ])
  })

  it('keep people from where there is nothing for them', () => {
    expect(tabsOf(rights({ role: null, grants: [{ role: 'admin', scope: 'app:shop' }] }))).toEqual([
      'values',
      'repositories',
      'identity',
    ])
    expect(tabsOf(rights({ role: null, grants: [] }))).toEqual(['identity'])
  })
})

describe('browsers', () => {
  it.each([
    ['Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', 'Firefox, Linux'],
    [
      'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15',
      'Safari, macOS',
    ],
    [
      'Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0',
      'Edge, Windows',
    ],
    [
      'Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36',
      'Chrome, Android',
    ],
    ['curl/8.5.0', 'curl'],
    ['davit/0.1.0', 'davit'],
  ])('%s', (agent, name) => {
    expect(browserName(agent)).toBe(name)
  })

  it('are nothing when nothing was said', () => {
    expect(browserName(null)).toBe('')
  })
})
