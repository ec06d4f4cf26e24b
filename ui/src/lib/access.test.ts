import { describe, expect, it } from 'vitest'
import type { GrantedRole, Role } from '@/api/types'
import { atLeast, LEAST_ROLE, mayAnywhere, mayIn, type Person, roleIn } from './access'

const person = (role: Role | null, ...grants: [Role, string][]): Person => ({
  role,
  grants: grants.map(([granted, scope]): GrantedRole => ({ role: granted, scope })),
})

describe('access', () => {
  it('is a ladder', () => {
    expect(atLeast('operator', 'viewer')).toBe(true)
    expect(atLeast('viewer', 'operator')).toBe(false)
    expect(atLeast(null, 'viewer')).toBe(false)
  })

  it('takes the highest of what holds in a place', () => {
    const ana = person('viewer', ['releaser', 'app:shop'], ['reviewer', 'environment:production'])
    expect(roleIn(ana)).toBe('viewer')
    expect(roleIn(ana, { app: 'shop' })).toBe('releaser')
    expect(roleIn(ana, { app: 'shop', environment: 'staging' })).toBe('releaser')
    expect(roleIn(ana, { app: 'ledger', environment: 'production' })).toBe('reviewer')
    expect(roleIn(ana, { app: 'ledger', environment: 'staging' })).toBe('viewer')
  })

  it('gives nothing outside of what was granted', () => {
    const bo = person(null, ['developer', 'app:shop@staging'])
    expect(roleIn(bo)).toBeNull()
    expect(mayIn(bo, 'ask', { app: 'shop', environment: 'staging' })).toBe(true)
    expect(mayIn(bo, 'ask', { app: 'shop', environment: 'production' })).toBe(false)
    expect(mayIn(bo, 'ask', { app: 'shop' })).toBe(false)
    expect(mayAnywhere(bo, 'ask')).toBe(true)
    expect(mayAnywhere(bo, 'release')).toBe(false)
  })

  it.each<[string, Person, string[], string[], boolean]>([
    ['by a label', person(null, ['operator', 'label:web']), ['web', 'eu'], ['production'], true],
    ['not by another label', person(null, ['operator', 'label:db']), ['web'], ['production'], false],
    ['by its environment', person(null, ['operator', 'environment:staging']), [], ['staging'], true],
    [
      'not when it serves another environment too',
      person(null, ['operator', 'environment:staging']),
      [],
      ['staging', 'production'],
      false,
    ],
    [
      'by the lower of two environments',
      person(null, ['operator', 'environment:staging'], ['viewer', 'environment:production']),
      [],
      ['staging', 'production'],
      false,
    ],
    ['not by an app that runs there', person(null, ['admin', 'app:shop']), ['web'], ['staging'], false],
    ['by a grant on everything', person(null, ['operator', 'all']), [], [], true],
  ])('opens a host %s', (_, who, labels, environments, expected) => {
    expect(mayIn(who, 'openTerminal', { labels, environments })).toBe(expected)
  })

  it('knows the lowest role of every action', () => {
    for (const role of Object.values(LEAST_ROLE)) expect(atLeast('admin', role)).toBe(true)
    expect(mayIn(person('operator'), 'configure')).toBe(false)
    expect(mayIn(person('viewer'), 'readFeed')).toBe(true)
  })
})
