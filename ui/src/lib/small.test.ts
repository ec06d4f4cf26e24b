// The small rules of lib/, a table each.
import { describe, expect, it } from 'vitest'
import { atLeast } from './access'
import { placeOf } from './alerts'
import { environmentColour } from './environment-colour'
import { branchOrTag, shortRef } from './git-ref'
import { idempotencyKeys } from './idempotency'
import { prettyJson } from './json'
import { localPath } from './navigation'
import { passwordFlaw } from './password'
import { preferredLocale } from './preferences'
import { repositoryName } from './repository'
import { isRetryable, isRunning, phasesDone } from './state'
import { referredValues } from './toml'

describe('atLeast', () => {
  it('follows the ladder of roles', () => {
    expect(atLeast('admin', 'operator')).toBe(true)
    expect(atLeast('reviewer', 'reviewer')).toBe(true)
    expect(atLeast('developer', 'reviewer')).toBe(false)
    expect(atLeast(undefined, 'viewer')).toBe(false)
  })
})

describe('passwordFlaw', () => {
  it.each([
    ['eleven char', 'admin', 'short'],
    ['aaaaaaaaaaaaaaaa', 'admin', 'repetitive'],
    ['administrator', 'administrator', 'sameAsName'],
    ['correct horse', 'admin', null],
    ['春江潮水连海平海上明月共', 'admin', null],
  ])('of %j for %j is %j', (password, name, flaw) => {
    expect(passwordFlaw(password, name)).toBe(flaw)
  })
})

describe('localPath', () => {
  it.each([
    ['/deployments/7?x=1', '/deployments/7?x=1'],
    ['//evil.example', '/'],
    ['/\\evil.example', '/'],
    ['https://evil.example', '/'],
    [['/a', '/b'], '/'],
    [undefined, '/'],
  ])('of %j is %j', (next, path) => {
    expect(localPath(next)).toBe(path)
  })
})

describe('preferredLocale', () => {
  it.each([
    [['zh-TW', 'en'], 'zh-CN'],
    [['de-DE', 'zh'], 'zh-CN'],
    [['en-GB', 'zh'], 'en'],
    [['fr'], 'en'],
    [[], 'en'],
  ])('of %j is %s', (languages, locale) => {
    expect(preferredLocale(languages)).toBe(locale)
  })
})

describe('referredValues', () => {
  it('finds each value once and none in comments', () => {
    const document = [
      'token = { env = "GITHUB_TOKEN" }',
      '# secret = { env = "OLD" }',
      'webhook_secret = {env="HOOK"}',
      'private_key = { file = "/run/key" }',
      'again = { env = "GITHUB_TOKEN" }',
    ].join('\n')
    expect(referredValues(document)).toEqual(['env:GITHUB_TOKEN', 'env:HOOK', 'file:/run/key'])
  })
})

describe('placeOf', () => {
  it.each([
    ['host_down', { name: 'hosts', hash: '#web-1' }],
    ['channel', { name: 'outbox' }],
    ['feed_altered', { name: 'feed' }],
    ['of_a_newer_server', { name: 'overview' }],
  ])('of an alert %s is where it is mended', (kind, place) => {
    const alert = { id: 1, kind, subject: 'web-1', detail: '', since: '2026-01-01T00:00:00.000Z', ended_at: null }
    expect(placeOf(alert)).toEqual(place)
  })
})

describe('repositoryName', () => {
  it('prefers the name at the forge', () => {
    expect(repositoryName({ forge: 'github', name: 'acme/shop', url: null })).toBe('github:acme/shop')
    expect(repositoryName({ forge: null, name: null, url: 'git@host:x.git' })).toBe('git@host:x.git')
    expect(repositoryName({ forge: null, name: null, url: null })).toBe('–')
  })
})

describe('prettyJson', () => {
  it('lays JSON out and leaves what is none alone', () => {
    expect(prettyJson('{"a":[1]}')).toBe('{\n  "a": [\n    1\n  ]\n}')
    expect(prettyJson('payload=%7B%7D')).toBe('payload=%7B%7D')
  })

  it('is what the engine would write, for documents it can hold', () => {
    const documents = [{}, [], { a: {}, b: [[], [1, -2.5, null]], 'q"\\{': 'x, y: [z]' }, 'text', 7, [true, { c: '' }]]
    for (const document of documents)
      expect(prettyJson(JSON.stringify(document))).toBe(JSON.stringify(document, null, 2))
  })

  it('keeps numbers and the order of keys as they were sent', () => {
    expect(prettyJson('{"b":12345678901234567890,"1":1.0}')).toBe('{\n  "b": 12345678901234567890,\n  "1": 1.0\n}')
  })
})

describe('idempotencyKeys', () => {
  it('keeps one key for one form and takes another when the form changes', () => {
    const keyFor = idempotencyKeys()
    const first = keyFor({ ref: 'main' })
    expect(keyFor({ ref: 'main' })).toBe(first)
    expect(keyFor({ ref: 'next' })).not.toBe(first)
    expect(first).toMatch(/^[0-9a-f]{32}$/)
  })
})

describe('states', () => {
  it('know what still runs, what can be tried again and how far it is', () => {
    expect(isRunning('paused')).toBe(true)
    expect(isRunning('superseded')).toBe(false)
    expect(isRetryable('failed')).toBe(true)
    expect(isRetryable('succeeded')).toBe(false)
    expect(phasesDone({ state: 'queued' })).toBe(0)
    expect(phasesDone({ state: 'switching' })).toBe(2)
    expect(phasesDone({ state: 'succeeded' })).toBe(4)
  })
})

describe('shortRef', () => {
  it.each([
    ['refs/heads/feature/x', { kind: 'branch', name: 'feature/x' }],
    ['refs/tags/v1.2', { kind: 'tag', name: 'v1.2' }],
    ['main', { kind: 'branch', name: 'main' }],
  ])('of %s is %j', (ref, short) => {
    expect(shortRef(ref)).toEqual(short)
  })
})

describe('branchOrTag', () => {
  it.each([
    ['refs/heads/main', 'refs/heads/main'],
    ['refs/tags/v1', 'refs/tags/v1'],
    ['refs/pull/7/head', null],
    [null, null],
  ])('of %j is %j', (ref, known) => {
    expect(branchOrTag(ref)).toBe(known)
  })
})

describe('environmentColour', () => {
  it('is the configured one, else one by place, and grey for what is unknown', () => {
    const all = [
      { key: 'test', name: 'Test', color: null },
      { key: 'production', name: 'Production', color: '#123456' },
    ]
    expect(environmentColour('production', all)).toBe('#123456')
    expect(environmentColour('test', all)).toMatch(/^#/)
    expect(environmentColour('gone', all)).toBe('var(--line-strong)')
  })
})
