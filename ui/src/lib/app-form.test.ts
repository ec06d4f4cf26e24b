import { describe, expect, it } from 'vitest'
import { isAppComplete, isAppKey, keyFromName, toAppForm, toRepository } from './app-form'

describe('the form of an app', () => {
  it.each([
    ['shop', true],
    ['shop.v2_x-y', true],
    ['-shop', false],
    ['Shop', false],
    ['a..b', false],
    ['a'.repeat(64), false],
    ['', false],
  ])('takes %j for a key: %s', (key, good) => {
    expect(isAppKey(key)).toBe(good)
  })

  it('suggests a key from a name', () => {
    expect(keyFromName('Acme Shop (EU)')).toBe('acme-shop-eu')
    expect(keyFromName('产品文档')).toBe('')
  })

  it('sends the forge with its name, or the address alone', () => {
    const form = toAppForm()
    expect(toRepository({ ...form, forge: 'github', repository: ' acme/shop ' })).toEqual({
      forge: 'github',
      name: 'acme/shop',
    })
    expect(toRepository({ ...form, repository: 'left over', url: 'git@h:x.git' })).toEqual({ url: 'git@h:x.git' })
  })

  it('is complete with a key and a place', () => {
    const form = { ...toAppForm(), key: 'shop' }
    expect(isAppComplete(form)).toBe(false)
    expect(isAppComplete({ ...form, forge: 'github' })).toBe(false)
    expect(isAppComplete({ ...form, url: '/srv/git/shop' })).toBe(true)
  })
})
