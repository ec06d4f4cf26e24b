import { describe, expect, it } from 'vitest'
import type { RepositoryForm } from '@/api/types'
import { typedSecrets } from './item-form'
import {
  isKept,
  isRepositoryComplete,
  isRepositoryName,
  nameInAddress,
  newEnvironment,
  newSecret,
  type RepositoryFields,
  secretEntries,
  toRepositoryFields,
  toRepositoryForm,
} from './repository-form'

const SHOP = { forge: 'github', name: 'acme/shop' }

describe('a repository', () => {
  const full: RepositoryForm = {
    url: 'https://git.example.com/acme/shop.git',
    executor: 'host',
    trusted: true,
    forks: 'never',
    memory: '4GiB',
    cpus: 1.5,
    processes: 64,
    disk: '1GiB',
    output: '1MiB',
    timeout: '10m',
    keep_runs: '20d',
    keep_artifacts: '10d',
    cache_size: '1GiB',
    badge: true,
    variables: 'REGION=eu\n',
    secrets: { NPM_TOKEN: { secret: 'npm' }, KEY: { env: 'KEY' } },
    environments: { production: { variables: 'A=1', secrets: { DEPLOY_KEY: { file: 'deploy.key' } } }, test: {} },
    merge: {
      by: ['label', 'ui'],
      label: 'ship',
      blocking_labels: [],
      required: ['davit/ci/*'],
      approvals: 2,
      method: 'squash',
      branches: ['main'],
      delete_branch: true,
      queue: true,
    },
  }

  it('comes back as it was', () => {
    expect(toRepositoryForm(toRepositoryFields(SHOP, full))).toEqual(full)
    expect(toRepositoryForm(toRepositoryFields(SHOP, {}))).toEqual({})
    expect(toRepositoryForm(toRepositoryFields(SHOP, { network: false }))).toEqual({ network: false })
    expect(toRepositoryForm(toRepositoryFields(SHOP, { merge: {} }))).toEqual({ merge: {} })
  })

  it('sends what is no number as it was typed, so that the server can say so', () => {
    const fields = toRepositoryFields(SHOP, null)
    fields.amounts.cpus = 'two'
    expect(toRepositoryForm(fields).cpus).toBe('two')
  })

  it('is complete with a name, a trust that is needed, and everything named', () => {
    const complete = (change: Partial<typeof fields>, values = {}) =>
      isRepositoryComplete({ ...structuredClone(fields), ...change }, values)
    const fields = toRepositoryFields(SHOP, null)
    expect(complete({})).toBe(true)
    expect(complete({ forge: '' })).toBe(false)
    expect(complete({ executor: 'host' })).toBe(false)
    expect(complete({ executor: 'host', trusted: true })).toBe(true)
    expect(complete({ environments: [newEnvironment()] })).toBe(false)
    expect(complete({ merges: true, merge: { ...fields.merge, by: [] } })).toBe(false)
    const secret = { ...newSecret(), name: 'NPM_TOKEN' }
    expect(complete({ secrets: [secret] })).toBe(false)
    expect(complete({ secrets: [secret] }, { [secret.id]: 'x' })).toBe(true)
    expect(
      complete({ secrets: [secret, { ...secret, id: 'other', name: 'npm_token' }] }, { [secret.id]: 'x', other: 'y' }),
    ).toBe(false)
  })

  it('sends what is typed under a name that says what it belongs to', () => {
    const fields = toRepositoryFields(SHOP, full)
    const [npm] = fields.secrets
    if (!npm) throw new Error('a secret')
    expect(isKept(npm)).toBe(true)
    const own = { ...newSecret(), name: 'OWN' }
    fields.secrets.push(own)
    const typed = typedSecrets(secretEntries(fields, { [own.id]: 'a', [npm.id]: 'c' }))
    const [kept, made] = Object.keys(typed)
    expect([kept, made, ...Object.values(typed)]).toEqual([
      'npm',
      expect.stringMatching(/^ci-github-acme-shop-OWN-[0-9a-f]{8}$/),
      'c',
      'a',
    ])
    expect(toRepositoryForm(fields).secrets?.OWN).toEqual({ secret: made })
  })

  it('gives no two secrets one name', () => {
    const places = ['', '生产', '测试', 'pre production', 'pre-production', 'pre/production', 'production']
    const repositories = ['acme/shop', 'acme/shop-production', 'acme-x/shop', 'acme/x-shop'].map(name => ({
      forge: 'github',
      name,
    }))
    const names = repositories.flatMap(repository =>
      places.map(place => {
        const fields = toRepositoryFields(repository, null)
        const row = { ...newSecret(), name: 'KEY' }
        if (place) fields.environments.push({ ...newEnvironment(), name: place, secrets: [row] })
        else fields.secrets.push(row)
        return Object.keys(typedSecrets(secretEntries(fields, { [row.id]: 'x' })))[0] ?? ''
      }),
    )
    expect(new Set(names).size).toBe(repositories.length * places.length)
    expect(names.every(name => /^[A-Za-z0-9._-]{1,64}$/.test(name))).toBe(true)
  })

  it('leaves a renamed secret its value when a new one takes its place', () => {
    const made = (fields: RepositoryFields, id: string) =>
      Object.keys(typedSecrets(secretEntries(fields, { [id]: 'new' })))[0] ?? ''
    /** Renames all that there is, and puts a new one in the place of each of the two secrets. */
    function rotated(form: RepositoryForm | null, times: string): RepositoryFields {
      const fields = toRepositoryFields(SHOP, form)
      for (const row of fields.secrets) if (row.name === 'KEY') row.name = `KEY_${times}`
      for (const place of fields.environments) if (place.name === 'production') place.name = `production ${times}`
      fields.secrets.push({ ...newSecret(), id: 'own', name: 'KEY' })
      const key = { ...newSecret(), id: 'placed', name: 'KEY' }
      fields.environments.push({ ...newEnvironment(), name: 'production', secrets: [key] })
      return fields
    }
    let form: RepositoryForm | null = null
    const names: string[] = []
    for (const times of ['first', 'second', 'third']) {
      const fields = rotated(form, times)
      form = toRepositoryForm(fields)
      names.push(made(fields, 'own'), made(fields, 'placed'))
      expect(form.secrets?.KEY).toEqual({ secret: made(fields, 'own') })
      expect(form.environments?.production?.secrets?.KEY).toEqual({ secret: made(fields, 'placed') })
    }
    expect(new Set(names).size).toBe(6)
    expect(names[2]).toMatch(/^ci-github-acme-shop-KEY-2-[0-9a-f]{8}$/)
    expect(form?.secrets).toEqual({
      KEY: { secret: names[4] },
      KEY_second: { secret: names[0] },
      KEY_third: { secret: names[2] },
    })
  })

  it.each(['Infinity', '0x10', '1e2', '-1'])('does not read %s as another number', text => {
    const fields = toRepositoryFields(SHOP, null)
    fields.amounts.cpus = text
    expect(toRepositoryForm(fields).cpus).toBe(text)
  })

  it.each([
    ['https://github.com/acme/shop/tree/main', 'github', 'acme/shop'],
    ['git@github.com:acme/shop.git', 'github', 'acme/shop'],
    ['ssh://git@git.example.com:2222/acme/shop.git', 'gitea', 'acme/shop'],
    ['https://gitlab.com/acme/web/shop/-/tree/main?ref_type=heads', 'gitlab', 'acme/web/shop'],
    ['https://gitee.com/acme/shop/', undefined, 'acme/shop'],
    [' acme/shop ', 'github', 'acme/shop'],
    ['shop', 'github', 'shop'],
  ] as const)('is found in %s', (text, kind, name) => {
    expect(nameInAddress(text, kind)).toBe(name)
  })

  it.each(['shop', 'acme/', '/shop', 'acme/../shop', 'acme/sh op', 'https://github.com/acme/shop'])(
    'is not called %s',
    name => {
      expect(isRepositoryName(name)).toBe(false)
    },
  )

  it.each(['acme/shop', 'acme/web/shop.js'])('may be called %s', name => {
    expect(isRepositoryName(name)).toBe(true)
  })
})
