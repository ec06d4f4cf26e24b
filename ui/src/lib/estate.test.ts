import { describe, expect, it } from 'vitest'
import type { ChannelForm, EnvironmentForm, ForgeForm, Host, HostForm } from '@/api/types'
import {
  freeEvents,
  hasOwnWords,
  isChannelComplete,
  neededSecret,
  newTemplate,
  toChannelFields,
  toChannelForm,
} from './channel-form'
import {
  asKind,
  isEnvironmentComplete,
  newFreeze,
  newWindow,
  toEnvironmentFields,
  toEnvironmentForm,
} from './environment-form'
import { apiOf, isForgeComplete, makeSecret, toForgeFields, toForgeForm } from './forge-form'
import { isHostComplete, isPort, toHostFields, toHostForm } from './host-form'
import { groupHosts, matchingHosts } from './host-groups'
import { readHostList } from './host-list'
import { secretName, typedSecrets } from './item-form'

describe('an environment', () => {
  const full: EnvironmentForm = {
    name: 'Production',
    color: '#c8102e',
    review: { required: 2, self_approval: true, reviewers: ['group:leads', 'ada'], expires: '24h' },
    branches: ['main', 'release/*'],
    url: 'https://shop.example.com',
    forge_name: 'prod',
    window: [{ days: ['mon', 'fri'], from: '09:00', to: '17:00', zone: 'Asia/Shanghai' }],
    freeze: [
      { days: ['fri'], from: '16:00', to: '24:00', zone: 'UTC', reason: 'weekend' },
      { from: '2026-12-24T00:00', until: '2027-01-02T00:00', zone: 'UTC', reason: 'holidays' },
    ],
    require_green: ['davit/ci/*'],
  }

  it('comes back as it was', () => {
    expect(toEnvironmentForm(toEnvironmentFields('production', full))).toEqual(full)
    expect(toEnvironmentForm(toEnvironmentFields('test', {}))).toEqual({})
    expect(toEnvironmentForm(toEnvironmentFields('test', { require_green: true }))).toEqual({ require_green: true })
  })

  it('is complete with a key and whole windows', () => {
    const fields = toEnvironmentFields('test', {})
    expect(isEnvironmentComplete(fields)).toBe(true)
    expect(isEnvironmentComplete({ ...fields, key: 'Not a key' })).toBe(false)
    expect(isEnvironmentComplete({ ...fields, windows: [{ ...newWindow('UTC'), to: '' }] })).toBe(false)
    expect(isEnvironmentComplete({ ...fields, freezes: [newFreeze('UTC')] })).toBe(false)
    expect(isEnvironmentComplete({ ...fields, green: 'some' })).toBe(false)
  })

  it('has times that fit when a freeze becomes one of the other kind', () => {
    const dated = asKind(newFreeze('UTC'), 'dated', '2026-11-21')
    expect([dated.from, dated.until]).toEqual(['2026-11-21T00:00', '2026-11-21T23:59'])
    expect(asKind(dated, 'weekly', '2026-11-21').until).toBe('24:00')
    expect(asKind(dated, 'dated', '2030-01-01')).toBe(dated)
  })
})

describe('a host', () => {
  const full: HostForm = {
    address: '10.0.0.1',
    port: 2222,
    user: 'deploy',
    jump: ['gate'],
    labels: ['web'],
    category: 'Beijing',
    environments: ['production'],
    host_key: 'ssh-ed25519 AAAA',
    private_key: { secret: 'host-web-1' },
  }

  it('comes back as it was', () => {
    expect(toHostForm(toHostFields('web-1', full))).toEqual(full)
    expect(toHostForm(toHostFields('web-1', { address: 'a', user: 'b', agent: true }))).toEqual({
      address: 'a',
      user: 'b',
      agent: true,
    })
    expect(toHostForm(toHostFields('here', { kind: 'local', labels: ['x'] }))).toEqual({ kind: 'local', labels: ['x'] })
  })

  it('says nothing of SSH when it is this machine', () => {
    expect(toHostForm({ ...toHostFields('web-1', full), kind: 'local' })).toEqual({
      kind: 'local',
      labels: ['web'],
      category: 'Beijing',
      environments: ['production'],
    })
  })

  it('needs an address, a user and a port that is one', () => {
    const fields = toHostFields('web-1', full)
    expect(isHostComplete(fields)).toBe(true)
    expect(isHostComplete({ ...fields, user: ' ' })).toBe(false)
    expect(isHostComplete({ ...fields, port: '70000' })).toBe(false)
    expect([isPort(''), isPort('22'), isPort('0'), isPort('x')]).toEqual([true, true, false, false])
  })
})

describe('a forge', () => {
  const github: ForgeForm = { kind: 'github', token: { secret: 'github-token' }, webhook_secret: { env: 'HOOK' } }

  it('comes back as it was', () => {
    expect(toForgeForm(toForgeFields('github', github))).toEqual(github)
    const own: ForgeForm = {
      kind: 'generic',
      webhook_secret: { file: '/x' },
      generic: { header: 'X-Sign', repository: '/r', ref: '/f', commit: '/c', title: '/t' },
    }
    expect(toForgeForm(toForgeFields('own', own))).toEqual(own)
    const app: ForgeForm = {
      kind: 'github',
      app: { id: '1', private_key: { secret: 'key' } },
      api_url: 'https://g.example/api/v3',
    }
    expect(toForgeForm(toForgeFields('gh', app))).toEqual(app)
  })

  it('names its secrets after itself where nobody else did', () => {
    const form = toForgeForm({
      ...toForgeFields('', null),
      id: 'gitea',
      kind: 'gitea',
      apiUrl: 'https://git.example/api/v1',
    })
    expect(form).toEqual({
      kind: 'gitea',
      api_url: 'https://git.example/api/v1',
      token: { secret: 'gitea-token' },
      webhook_secret: { secret: 'gitea-webhook' },
    })
    expect(
      typedSecrets([
        [form.token, 'abc'],
        [form.webhook_secret, ''],
        [{ env: 'X' }, 'y'],
        [undefined, 'z'],
      ]),
    ).toEqual({ 'gitea-token': 'abc' })
  })

  it('knows where the API of an address is', () => {
    expect(apiOf('gitea', 'https://git.example.com/')).toBe('https://git.example.com/api/v1')
    expect(apiOf('gitlab', 'https://lab.example.com')).toBe('https://lab.example.com/api/v4')
    expect(apiOf('gitea', 'https://git.example.com/api/v1')).toBe('https://git.example.com/api/v1')
    expect(apiOf('github', 'https://api.github.com')).toBe('https://api.github.com')
  })

  it('needs an address where there is no usual one', () => {
    expect(isForgeComplete(toForgeFields('gitea', { kind: 'gitea' }))).toBe(false)
    expect(isForgeComplete(toForgeFields('github', github))).toBe(true)
    expect(makeSecret()).toMatch(/^[0-9a-f]{64}$/)
  })
})

describe('a channel', () => {
  const forms: ChannelForm[] = [
    { kind: 'feishu', url: { secret: 'u' }, secret: { env: 'S' }, language: 'zh', events: ['failed'], apps: ['shop'] },
    {
      kind: 'email',
      host: 'smtp.example.com',
      port: 2525,
      tls: 'tls',
      user: 'u',
      password: { secret: 'p' },
      from: 'a@b.c',
      to: ['d@e.f'],
    },
    {
      kind: 'sms',
      provider: 'tencent',
      key_id: 'k',
      key_secret: { secret: 's' },
      sign_name: '签名',
      template: '1',
      app_id: '2',
      to: ['+8613800000000'],
      api_url: 'https://x',
    },
    { kind: 'sms', provider: 'twilio', account: 'AC', key_secret: { secret: 's' }, from: '+1', to: ['+2'] },
    {
      kind: 'slack',
      url: { secret: 'u' },
      templates: { failed: 'x' },
      commands: { signing_secret: { secret: 'c' } },
      allow_private: true,
    },
  ]

  it.each(forms)('of kind $kind comes back as it was', form => {
    const fields = toChannelFields('c', form)
    expect(toChannelForm(fields)).toEqual(form)
    expect(isChannelComplete(fields)).toBe(true)
  })

  it('needs what its kind cannot do without', () => {
    expect(neededSecret(toChannelFields('c', { kind: 'slack' }))).toBe('url')
    expect(neededSecret(toChannelFields('c', { kind: 'email' }))).toBeUndefined()
    expect(isChannelComplete(toChannelFields('c', { kind: 'email', host: 'h', from: 'a@b.c' }))).toBe(false)
    expect(isChannelComplete({ ...toChannelFields('c', null), some: true })).toBe(false)
  })

  it('has its own words for each event once', () => {
    const commands = { signing_secret: { secret: 'c' } }
    const form: ChannelForm = { kind: 'slack', url: { secret: 'u' }, templates: { failed: 'x' }, commands }
    const fields = toChannelFields('c', form)
    expect(fields.templates).toEqual([{ event: 'failed', text: 'x' }])
    expect(fields.rest).toEqual({ commands })

    const row = newTemplate({ ...fields, some: true, events: ['failed', 'host_down'] })
    expect(row).toEqual({ event: 'host_down', text: '' })
    const both = { ...fields, templates: [...fields.templates, row] }
    expect(freeEvents(both)).not.toContain('failed')
    expect(freeEvents(both)).not.toContain('host_down')
    expect(isChannelComplete(both)).toBe(false)

    const edited = [
      { event: 'succeeded', text: '{{ app }}\n' },
      { event: 'host_down', text: '{{ host' },
    ]
    const after = { ...fields, templates: edited }
    expect(isChannelComplete(after)).toBe(true)
    expect(toChannelForm(after)).toEqual({ ...form, templates: { succeeded: '{{ app }}\n', host_down: '{{ host' } })
    expect(toChannelForm({ ...fields, templates: [] })).toStrictEqual({ kind: 'slack', url: { secret: 'u' }, commands })
  })

  it('has no own words where the provider sends none but those that it approved', () => {
    const sms = (provider: 'aliyun' | 'twilio') => toChannelFields('c', { kind: 'sms', provider })
    expect([hasOwnWords(sms('aliyun')), hasOwnWords(sms('twilio'))]).toEqual([false, true])
    expect(hasOwnWords(toChannelFields('c', { kind: 'email' }))).toBe(true)
  })
})

describe('a pasted list of hosts', () => {
  const defaults = { user: 'deploy', environments: ['production'], labels: [], category: '' }
  const read = (text: string) => {
    const { kind, hosts, left } = readHostList(text, defaults)
    return {
      kind,
      hosts: Object.fromEntries(hosts.map(({ name, form }) => [name, form])),
      left: left.map(({ line, why }) => [line, why]),
    }
  }

  it('is read as CSV, with or without a first line of names', () => {
    expect(read('name;address;labels;category\nWeb-1;10.0.0.1:2222;web|edge;"Beijing; A"\n;db.example.com;;')).toEqual({
      kind: 'csv',
      hosts: {
        'web-1': {
          address: '10.0.0.1',
          port: 2222,
          user: 'deploy',
          labels: ['web', 'edge'],
          environments: ['production'],
          category: 'Beijing; A',
        },
        db: { address: 'db.example.com', user: 'deploy', environments: ['production'] },
      },
      left: [],
    })
    expect(read('web-1,10.0.0.1,root,22,web,test\nweb-1,10.0.0.2').left).toEqual([[2, 'twice']])
    expect(read('a,10.0.0.1,root,99999').left).toEqual([[1, 'port']])
  })

  it('is read as an ssh_config', () => {
    expect(
      read(
        'Host *\n  User ops\nHost web-1 w1\n  HostName 10.0.0.1\n  Port=2200\nHost *.lan\n  User x\nHost web-2\n  User me',
      ),
    ).toEqual({
      kind: 'ssh_config',
      hosts: {
        'web-1': { address: '10.0.0.1', port: 2200, user: 'ops', environments: ['production'] },
        'web-2': { address: 'web-2', user: 'ops', environments: ['production'] },
      },
      left: [[6, 'pattern']],
    })
  })

  it('takes the first value of a keyword from an ssh_config, as ssh does, and nothing of a Match block', () => {
    expect(
      read(
        'Host web-1\n  User me\n  User you\nMatch host web-1\n  User other\n  Port 2200\nHost *\n  User ops\n  Port 22',
      ),
    ).toEqual({
      kind: 'ssh_config',
      hosts: { 'web-1': { address: 'web-1', user: 'me', environments: ['production'] } },
      left: [[4, 'match']],
    })
  })

  it('says of an Include that its hosts are elsewhere, and goes on with the block that it stands in', () => {
    expect(read('Include ~/.ssh/work/*\nHost web-1\n  Include more\n  User ops')).toEqual({
      kind: 'ssh_config',
      hosts: { 'web-1': { address: 'web-1', user: 'ops', environments: ['production'] } },
      left: [
        [1, 'include'],
        [3, 'include'],
      ],
    })
  })

  it('is read as a known_hosts, whose keys come along', () => {
    expect(
      read(
        '[web.example.com]:2222,10.0.0.1 ssh-ed25519 AAAAC3 me\nweb.example.com ssh-rsa AAAAB3\n|1|x|y ssh-rsa AAAA',
      ),
    ).toEqual({
      kind: 'known_hosts',
      hosts: {
        web: {
          address: 'web.example.com',
          port: 2222,
          user: 'deploy',
          environments: ['production'],
          host_key: 'ssh-ed25519 AAAAC3',
        },
      },
      left: [[3, 'hashed']],
    })
  })

  it('pins no key that a known_hosts revokes, nor that of an authority', () => {
    expect(read('@revoked web-1 ssh-ed25519 AAAAC3\n@cert-authority *.example.com ssh-rsa AAAAB3')).toEqual({
      kind: 'known_hosts',
      hosts: {},
      left: [
        [1, 'marked'],
        [2, 'marked'],
      ],
    })
  })

  it('is read line by line', () => {
    expect(read('# ours\nroot@web-1.example.com:22\n10.0.0.7\n')).toEqual({
      kind: 'lines',
      hosts: {
        'web-1': { address: 'web-1.example.com', user: 'root', environments: ['production'] },
        '10-0-0-7': { address: '10.0.0.7', user: 'deploy', environments: ['production'] },
      },
      left: [],
    })
  })
})

describe('hosts', () => {
  const host = (name: string, more: Partial<Host>): Host => ({
    name,
    kind: 'ssh',
    address: `${name}.example.com`,
    port: 22,
    user: 'deploy',
    labels: [],
    category: null,
    environments: [],
    host_key_fingerprint: null,
    jump: [],
    check: null,
    ...more,
  })
  const hosts = [
    host('web-1', { labels: ['web', 'edge'], category: 'Beijing', environments: ['production'] }),
    host('db-1', { category: 'Beijing' }),
    host('old', {}),
  ]

  it('are found by words in what is said of them', () => {
    const found = (search: string, more = {}) =>
      matchingHosts(hosts, { search, environment: '', label: '', ...more }).map(({ name }) => name)
    expect(found('beijing EXAMPLE')).toEqual(['web-1', 'db-1'])
    expect(found('', { label: 'edge' })).toEqual(['web-1'])
    expect(found('', { environment: 'production' })).toEqual(['web-1'])
  })

  it('stand under what they share, those that share nothing last', () => {
    const groups = (by: 'category' | 'label' | 'none') =>
      groupHosts(hosts, by).map(({ name, hosts: all }) => [name, all.map(item => item.name)])
    expect(groups('category')).toEqual([
      ['Beijing', ['web-1', 'db-1']],
      ['', ['old']],
    ])
    expect(groups('label')).toEqual([
      ['edge', ['web-1']],
      ['web', ['web-1']],
      ['', ['db-1', 'old']],
    ])
    expect(groups('none')).toEqual([['', ['web-1', 'db-1', 'old']]])
  })
})

describe('the name of a secret', () => {
  it('is cut where it is too long, and still another for each thing', () => {
    const long = `host-${'a'.repeat(57)}`
    expect(secretName('host-web-1')).toBe('host-web-1')
    expect(secretName(`${long}-1`)).toHaveLength(63)
    expect(secretName(`${long}-1`)).toMatch(/^host-a+-[0-9a-f]{8}$/)
    expect(secretName(`${long}-1`)).not.toBe(secretName(`${long}-2`))
  })
})
