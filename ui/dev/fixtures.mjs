// What the mock server knows when it starts: three apps, three environments, a history with every kind of outcome.
import { ago } from './clock.mjs'
import { alerts, forges, outbox } from './forges.mjs'
import { history, sha } from './history.mjs'

const shopHooks = {
  before_checkout: './ci/preflight.sh',
  after_checkout: 'npm ci\nnpm run build\nnode scripts/fingerprint.mjs > public/version.json',
  before_release: './migrate.sh --env "$DAVIT_ENV"',
  after_release: 'systemctl --user restart shop\ncurl -fsS http://127.0.0.1:8080/health',
}

/** What a release config says besides, when its author says nothing of it. */
export const USUAL_CONFIG = {
  inputs: [],
  actions: [],
  rollback_actions: [],
  strategy: { batches: [], pause: 'none', max_failures: 1, on_failure: 'revert' },
  timeouts: {},
  health: null,
  transfer: { unchanged: 'hash', verify: 'all', compress: 'auto' },
  caches: [],
  share_builds: false,
}

function config(environment, hosts, overrides = {}) {
  return {
    environment,
    revision: 7,
    saved_at: ago(50),
    saved_by: 'admin',
    mode: 'regular',
    hosts,
    host_selector: { labels: ['web'] },
    deploy_path: '/var/www/shop',
    releases_path: '/data/davit',
    keep: 5,
    build_dir: '.',
    filter: { mode: 'exclude', patterns: ['tests/', '*.md', '.git*'] },
    shared: { dirs: ['storage', 'public/uploads'], files: ['.env'] },
    variables: ['APP_MODE', 'DATABASE_URL', 'SENTRY_DSN'],
    hooks: shopHooks,
    auto: null,
    ...USUAL_CONFIG,
    ...overrides,
  }
}

function ssh(name, address, environments, labels, overrides = {}) {
  return {
    name,
    kind: 'ssh',
    address,
    port: 22,
    user: 'deploy',
    labels,
    environments,
    host_key_fingerprint: `SHA256:${Buffer.from(name.repeat(8)).toString('base64').slice(0, 43)}`,
    jump: [],
    category: null,
    check: { at: ago(2), ok: true, code: 'ok', detail: 'Connected and ran a command.', fingerprint: null },
    ...overrides,
  }
}

export function fixtures({ fresh }) {
  const db = {
    users: fresh
      ? []
      : [
          { id: 1, name: 'admin', role: 'admin', password: 'correct-horse-battery' },
          { id: 2, name: 'li.wei', role: 'releaser', password: 'correct-horse-battery' },
        ],
    environments: [],
    apps: [],
    hosts: [],
    forges: [],
    outbox: [],
    alerts: [],
    requests: [],
    deployments: [],
    deliveries: [],
    refs: { branches: [], tags: [] },
    hostAnswers: {},
    hostsOfRequest: new Map(),
    publicKey: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJv3p8Zq0x0mM6x2f9fXxkq8yKcWcJ1q7hN3d5uR2bLk davit',
  }
  if (!fresh) fill(db)
  return db
}

function fill(db) {
  db.environments = [
    { key: 'test', name: 'Test', color: '#3b82c4' },
    { key: 'staging', name: 'Staging', color: '#c08a2d' },
    { key: 'production', name: 'Production', color: '#b8483a' },
  ]
  db.forges = forges()
  db.outbox = outbox()
  db.alerts = alerts()
  db.hosts = hosts()
  db.hostAnswers = {
    'web-4': {
      ok: false,
      detail:
        'This host shows a key nobody has accepted yet. Compare the fingerprint with the one the host prints, then accept it.',
      fingerprint: 'SHA256:uT1j0Yv0m3x2bqk8N6vQZC4u9pXo2rWl5s7d8f9g0hA',
      code: 'host_key_unknown',
    },
    'web-3': {
      ok: false,
      detail:
        'The key of this host has changed since it was accepted. If the host was not reinstalled, somebody may be between you and it.',
      fingerprint: 'SHA256:9aB3kQm7rT2vXy5zC8dE1fG4hJ6kL0nP3qR5sT7uVwX',
      code: 'host_key_changed',
    },
    bastion: {
      ok: false,
      detail: '10.0.0.1 port 22 did not answer within 10 s. Check the address, the firewall and that sshd runs.',
      fingerprint: null,
      code: 'unreachable',
    },
  }
  db.refs = refs()
  db.apps = apps()
  history(db)
  db.deliveries = deliveries()
}

function hosts() {
  const production = ['production']
  return [
    ssh('web-1', '10.0.0.11', production, ['web'], { jump: ['bastion'] }),
    ssh('web-2', '10.0.0.12', production, ['web'], { jump: ['bastion'] }),
    ssh('web-3', '10.0.0.13', production, ['web', 'canary'], { jump: ['bastion'] }),
    ssh('web-4', '10.0.0.14', production, ['web'], { jump: ['bastion'], host_key_fingerprint: null, check: null }),
    ssh('stage-1', '10.0.1.11', ['staging'], ['web']),
    ssh('bastion', '10.0.0.1', production, ['jump'], {
      check: {
        at: ago(26),
        ok: false,
        code: 'unreachable',
        detail: '10.0.0.1 port 22 did not answer within 10 s.',
        fingerprint: null,
      },
    }),
    { ...ssh('local', '', ['test'], ['web']), kind: 'local', port: 0, user: '', host_key_fingerprint: null },
  ]
}

function refs() {
  return {
    branches: [
      { name: 'main', commit: sha(31), subject: 'Show delivery date on the order page', at: ago(0.4) },
      { name: 'release/2.8', commit: sha(28), subject: 'Prepare 2.8', at: ago(30) },
      { name: 'feature/wechat-pay', commit: sha(33), subject: '支持微信支付', at: ago(5) },
    ],
    tags: [
      { name: 'v2.8.0', commit: sha(27), subject: 'Release 2.8.0', at: ago(29) },
      { name: 'v2.7.3', commit: sha(22), subject: 'Release 2.7.3', at: ago(200) },
    ],
  }
}

function apps() {
  const production = ['web-1', 'web-2', 'web-3', 'web-4']
  const docs = {
    deploy_path: '/srv/docs',
    build_dir: 'dist',
    variables: [],
    hooks: { after_checkout: 'make html' },
    shared: { dirs: [], files: [] },
    filter: { mode: 'include', patterns: ['dist/**'] },
  }
  return [
    {
      key: 'shop',
      name: 'Shop',
      repository: { forge: 'github', name: 'acme/shop', url: null },
      configs: [
        config('test', ['local'], { revision: 3, auto: { on: 'push', branches: ['main'], require_green: false } }),
        config('staging', ['stage-1'], { revision: 5, auto: { on: 'push', branches: ['main'], require_green: true } }),
        config('production', production),
      ],
    },
    {
      key: 'billing',
      name: 'Billing',
      repository: { forge: 'gitee', name: 'acme/billing', url: null },
      configs: [
        config('staging', ['stage-1'], { deploy_path: '/var/www/billing' }),
        config('production', production.slice(0, 2), { deploy_path: '/var/www/billing' }),
      ],
    },
    {
      key: 'docs',
      name: '产品文档',
      repository: { forge: null, name: null, url: 'git@git.example.com:acme/docs.git' },
      configs: [config('production', ['web-1'], docs)],
    },
  ]
}

function deliveries() {
  const body = {
    ref: 'refs/heads/main',
    before: sha(30),
    after: sha(31),
    repository: { full_name: 'acme/shop', default_branch: 'main', private: true },
    pusher: { name: 'li.wei' },
    head_commit: { id: sha(31), message: 'Show delivery date on the order page', author: { name: '李伟' } },
  }
  const started = (id, app, environment, state) => ({
    request: id,
    deployment: id,
    app,
    environment,
    title: 'Show delivery date on the order page',
    state,
  })
  const entry = (id, forge, event, hours, verdict, reason, repository, summary, started = []) => ({
    id,
    forge,
    event,
    delivery: `72d3162e-cc78-11e3-81ab-4c9367dc09${String(id).padStart(2, '0')}`,
    received_at: ago(hours),
    verdict,
    reason: reason ?? '',
    attempts: 1,
    repository,
    summary,
    headers: [
      ['content-type', 'application/json'],
      ['user-agent', 'GitHub-Hookshot/ef9e1c2'],
      ['x-github-event', event],
      ['x-hub-signature-256', '***'],
    ],
    body: JSON.stringify(body),
    started,
    caught_up: false,
  })
  return [
    entry(1, 'github', 'ping', 80, 'ignored', 'A ping: the hook works, there is nothing to do.', 'acme/shop', 'ping'),
    entry(
      2,
      'github',
      'push',
      29,
      'processed',
      'Tag v2.8.0 matched no automatic release; the mirror was updated.',
      'acme/shop',
      'tag v2.8.0 at 4f1c2aa',
    ),
    entry(
      3,
      'gitee',
      'Push Hook',
      9.1,
      'processed',
      'Started an automatic release to staging.',
      'acme/billing',
      'main ← 2 commits by maria',
      [started(8, 'billing', 'staging', 'succeeded')],
    ),
    entry(
      4,
      'gitee',
      'Push Hook',
      8,
      'failed',
      'The signature does not match the webhook secret. Set the same secret at the forge and in davit.toml, then replay.',
      null,
      'not read: signature',
    ),
    entry(
      5,
      'github',
      'push',
      3.05,
      'processed',
      'Started automatic releases to test and staging.',
      'acme/shop',
      'main ← 1 commit by li.wei',
      [started(10, 'shop', 'test', 'succeeded'), started(11, 'shop', 'staging', 'succeeded')],
    ),
    entry(
      6,
      'github',
      'pull_request',
      1.1,
      'ignored',
      'Draft pull requests start nothing.',
      'acme/shop',
      '#412 opened by maria',
    ),
    {
      ...entry(
        7,
        'gitlab',
        'push',
        0.6,
        'processed',
        'The forge’s own delivery never came: found when the heads were compared. Nothing is released from this branch.',
        'platform/ledger',
        'main ← 9c1d2e3',
      ),
      delivery: 'catch-up:platform/ledger:main:9c1d2e3',
      caught_up: true,
      headers: [],
      body: '',
    },
    entry(8, 'github', 'push', 0.01, 'received', null, 'acme/shop', 'feature/wechat-pay ← 3 commits'),
  ]
}
