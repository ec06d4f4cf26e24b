import { describe, expect, it } from 'vitest'
import type { ConfigForm } from '@/api/types'
import { fromConfigForm, problemsOf, stepOf, toConfigForm } from './config-form'

const LEAST: ConfigForm = { hosts: ['web-1'], deploy_path: '/srv/www', releases_path: '/data/davit' }

const FORMS: [string, ConfigForm][] = [
  ['the least there is', LEAST],
  ['hosts by label', { ...LEAST, hosts: { labels: ['web', 'eu'] } }],
  [
    'everything of a regular one',
    {
      ...LEAST,
      keep: 3,
      build_dir: 'dist',
      filter: { mode: 'include', patterns: ['dist/**'] },
      shared: { dirs: ['storage'], files: ['.env'] },
      variables: 'A="1\n2"\n',
      hooks: { after_release: 'systemctl restart shop\n' },
      timeouts: { step: '1h' },
      strategy: { batches: ['1', '25%', ['web-1', 'web-2']], pause: '5m', max_failures: 2, on_failure: 'hold' },
      health: { http: 'http://{address}/health', status: 204, from: 'server', retries: 3, interval: '2s' },
      transfer: { unchanged: 'hardlink', compress: 'never' },
      caches: ['node_modules'],
      share_builds: true,
      auto: { on: 'push', branches: ['main', 'release/*'] },
      input: [
        { name: 'REASON', required: true, choices: ['a', 'b'] },
        { name: 'X', label: 'Ex', default: '1' },
      ],
      notify: [],
    },
  ],
  [
    'a custom one',
    {
      ...LEAST,
      mode: 'custom',
      action: [
        { name: 'Check', on: 'server', run: './check.sh' },
        { name: 'Put', transfer: { from: 'a.sql', to: '/srv/a.sql', mode: '0644' } },
        { name: 'Key', transfer: { upload: 'key', to: '/srv/key' } },
      ],
      rollback_action: [{ name: 'Undo', on: 'host', run: './undo.sh' }],
    },
  ],
]

describe('a release config', () => {
  it.each(FORMS)('comes back as it was: %s', (_, form) => {
    expect(toConfigForm(fromConfigForm(form))).toEqual(form)
  })

  it('keeps keys that this version does not know', () => {
    const newer = { ...LEAST, canary: { share: 5 } } as ConfigForm
    expect(toConfigForm(fromConfigForm(newer))).toEqual(newer)
  })

  it('sends nonsense in a number as it was typed, for the server to refuse', () => {
    expect(toConfigForm({ ...fromConfigForm(LEAST), keep: 'five' }).keep).toBe('five')
  })

  it('has no hooks in custom mode and no actions in regular mode', () => {
    const fields = { ...fromConfigForm(FORMS[3]?.[1] ?? LEAST), mode: 'regular' as const }
    expect(toConfigForm(fields).action).toBeUndefined()
    expect(
      toConfigForm({ ...fromConfigForm({ ...LEAST, hooks: { after_release: 'x' } }), mode: 'custom' }).hooks,
    ).toBeUndefined()
  })
})

describe('problems', () => {
  const problems = [
    { field: 'hosts[1]', message: 'no such host' },
    { field: 'hooks.after_release', message: 'not a script' },
    { field: 'hosts_extra', message: 'unknown' },
  ]

  it('belong to the field they are in', () => {
    expect(problemsOf(problems, 'hosts')).toEqual(['no such host'])
    expect(problemsOf(problems, 'hooks.after_release')).toEqual(['not a script'])
    expect(problemsOf(problems, 'hooks.before_release')).toEqual([])
  })

  it.each([
    ['hosts[1]', 'hosts'],
    ['hooks.after_release', 'scripts'],
    ['input[0].name', 'basics'],
    ['hosts_extra', null],
  ])('%s is asked for in step %s', (field, step) => {
    expect(stepOf(field)).toBe(step)
  })
})
