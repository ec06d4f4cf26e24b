// What the mock server knows when it starts: three apps, three environments, a history with every kind of outcome.
import { alerts, forges, outbox } from './forges.mjs'
import { cellsOf, steps } from './simulator.mjs'

const HOUR = 3_600_000
const ago = ms => new Date(Date.now() - ms).toISOString()
const sha = seed =>
  Array.from({ length: 40 }, (_, i) => ((seed * 7919 + i * 104729 + ((seed * i) % 13)) % 16).toString(16)).join('')

const shopHooks = {
  before_checkout: './ci/preflight.sh',
  after_checkout: 'npm ci\nnpm run build\nnode scripts/fingerprint.mjs > public/version.json',
  before_release: './migrate.sh --env "$DAVIT_ENV"',
  after_release: 'systemctl --user restart shop\ncurl -fsS http://127.0.0.1:8080/health',
}

function config(environment, hosts, overrides = {}) {
  return {
    environment,
    revision: 7,
    saved_at: ago(50 * HOUR),
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
    check: { at: ago(2 * HOUR), ok: true, code: 'ok', detail: 'Connected and ran a command.', fingerprint: null },
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
        at: ago(26 * HOUR),
        ok: false,
        code: 'unreachable',
        detail: '10.0.0.1 port 22 did not answer within 10 s.',
        fingerprint: null,
      },
    }),
    { ...ssh('local', null, ['test'], ['web']), kind: 'local', port: null, user: null, host_key_fingerprint: null },
  ]
}

function refs() {
  return {
    branches: [
      { name: 'main', commit: sha(31), subject: 'Show delivery date on the order page', at: ago(0.4 * HOUR) },
      { name: 'release/2.8', commit: sha(28), subject: 'Prepare 2.8', at: ago(30 * HOUR) },
      { name: 'feature/wechat-pay', commit: sha(33), subject: '支持微信支付', at: ago(5 * HOUR) },
    ],
    tags: [
      { name: 'v2.8.0', commit: sha(27), subject: 'Release 2.8.0', at: ago(29 * HOUR) },
      { name: 'v2.7.3', commit: sha(22), subject: 'Release 2.7.3', at: ago(200 * HOUR) },
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

const outcomes = [
  // app, environment, state, hours ago, title, hosts
  ['shop', 'production', 'succeeded', 190, 'Release 2.7.3', ['web-1', 'web-2', 'web-3', 'web-4']],
  ['billing', 'production', 'succeeded', 120, 'Invoice numbers per legal entity', ['web-1', 'web-2']],
  ['docs', 'production', 'succeeded', 96, '更新快速入门', ['web-1']],
  ['shop', 'production', 'succeeded', 75, 'Fix rounding of refunds', ['web-1', 'web-2', 'web-3', 'web-4']],
  ['shop', 'staging', 'superseded', 52, 'Cache category tree', ['stage-1']],
  ['shop', 'production', 'succeeded', 28, 'Release 2.8.0', ['web-1', 'web-2', 'web-3', 'web-4']],
  ['shop', 'staging', 'cancelled', 20, 'Try the new image pipeline', ['stage-1']],
  ['billing', 'staging', 'succeeded', 9, 'Send invoices as PDF/A', ['stage-1']],
  ['billing', 'production', 'reverted', 7, 'Send invoices as PDF/A', ['web-1', 'web-2']],
  ['shop', 'staging', 'succeeded', 3, 'Show delivery date on the order page', ['stage-1']],
  ['shop', 'test', 'succeeded', 2.5, 'Show delivery date on the order page', ['local']],
  ['shop', 'production', 'failed', 1.2, 'Move sessions to the new cache', ['web-1', 'web-2', 'web-3', 'web-4']],
]

function history(db) {
  outcomes.forEach(([app, environment, state, hours, title, names], index) => {
    const id = index + 1
    const request = pastRequest({ id, app, environment, state, hours, title })
    db.requests.push(request)
    db.deployments.push(pastDeployment({ id, request, state, hours, names }))
  })
  const waiting = [
    ['shop', 'awaiting_review', 0.6, 'Show delivery date on the order page', 'li.wei', []],
    [
      'billing',
      'awaiting_release',
      1.8,
      'Send invoices as PDF/A, second try',
      'maria',
      [{ user: 'admin', at: ago(HOUR) }],
    ],
  ]
  waiting.forEach(([app, state, hours, title, author, approvals], index) => {
    const id = outcomes.length + 1 + index
    db.requests.push({
      ...pastRequest({ id, app, environment: 'production', state, hours, title }),
      created_by: author,
      approvals,
      deployment: null,
    })
  })
}

function pastRequest({ id, app, environment, state, hours, title }) {
  const requestState = state === 'reverted' ? 'failed' : state
  return {
    id,
    app,
    environment,
    kind: environment === 'production' ? 'regular' : 'auto',
    state: requestState,
    commit: sha(20 + id),
    git_ref: title.startsWith('Release') ? `v${title.split(' ')[1]}` : 'main',
    title,
    created_by: ['maria', 'li.wei', 'admin'][id % 3],
    created_at: ago(hours * HOUR + 240_000),
    decided_by: environment === 'production' ? 'admin' : null,
    decided_at: environment === 'production' ? ago(hours * HOUR + 120_000) : null,
    reason: null,
    required_approvals: environment === 'production' ? 1 : 0,
    approvals: [],
    deployment: id,
    target_release: null,
  }
}

function pastDeployment({ id, request, state, hours, names }) {
  const { app, environment, kind, commit, git_ref: gitRef, title, created_by: user } = request
  const started = ago(hours * HOUR)
  const finished = ago(hours * HOUR - 94_000)
  const ok = state === 'succeeded'
  const release = `${started.replace(/[-:]/g, '').slice(0, 15)}Z-${commit.slice(0, 7)}-${id}`
  const reasons = {
    failed:
      'Step 6 ended with exit code 1 on web-3: health check answered 503 ten times. All hosts that had switched were left as they are.',
    reverted: 'Step 6 failed on web-2, so web-1 and web-2 went back to the release before.',
    cancelled: 'Cancelled by maria.',
    superseded: 'A newer push was already waiting.',
  }
  const deployment = {
    id,
    request: id,
    app,
    environment,
    kind,
    state,
    commit,
    git_ref: gitRef,
    title,
    release,
    attempt: 1,
    created_at: request.created_at,
    started_at: state === 'superseded' ? null : started,
    finished_at: finished,
    reason: reasons[state] ?? null,
    user,
    hosts_total: names.length,
    hosts_done: ok ? names.length : 0,
    host_runs: names.map(host => ({
      host,
      state: ok ? 'done' : 'cancelled',
      step: ok ? 6 : 5,
      reason: null,
      previous_release: null,
      updated_at: finished,
    })),
    steps: steps(ok ? 'succeeded' : 'cancelled'),
    cells: pastCells(names, state, Date.parse(started)),
    previous_release: null,
    last_seq: 0,
    log: pastLog(names, started, title, commit),
  }
  if (state === 'failed' || state === 'reverted') breakLastStep(deployment, names)
  return deployment
}

function pastCells(names, state, start) {
  if (state === 'superseded') return cellsOf(names, 'cancelled')
  const spans = { 1: [0, 1.2], 2: [1.2, 9], 3: [9, 41], 4: [41, 55], 5: [55, 71], 6: [71, 93] }
  return cellsOf(names, 'succeeded').map((cell, index) => {
    const jitter = cell.host ? index * 0.31 : 0
    const [from, to] = spans[cell.step]
    const at = seconds => new Date(start + seconds * 1_000).toISOString()
    if (state === 'cancelled' && cell.step > 3) return { ...cell, state: 'cancelled' }
    return { ...cell, started_at: at(from), finished_at: at(to + jitter) }
  })
}

function breakLastStep(deployment, names) {
  const broken = names.at(-2) ?? names[0]
  for (const run of deployment.host_runs) {
    run.state = deployment.state === 'reverted' ? 'reverted' : run.host === broken ? 'failed' : 'done'
    run.step = 6
    if (run.host === broken) run.reason = 'exit code 1 after 10 tries of the health check'
  }
  for (const cell of deployment.cells) if (cell.host === broken && cell.step === 6) cell.state = 'failed'
  deployment.steps = deployment.steps.map(step => ({ ...step, state: step.number === 6 ? 'failed' : 'succeeded' }))
  deployment.hosts_done = deployment.host_runs.filter(run => run.state === 'done').length
  for (let i = 1; i <= 10; i++) {
    deployment.log.push({
      seq: deployment.log.length + 1,
      at: deployment.finished_at,
      host: broken,
      step: 6,
      stream: 'stderr',
      text: `health: GET http://127.0.0.1:8080/health → \u001b[1;31m503\u001b[0m (try ${i} of 10)`,
    })
  }
  deployment.log.push({
    seq: deployment.log.length + 1,
    at: deployment.finished_at,
    host: broken,
    step: 6,
    stream: 'system',
    text: 'step 6 ended with exit code 1',
  })
}

function pastLog(names, started, title, commit) {
  const log = []
  const base = Date.parse(started)
  const say = (seconds, host, step, text, stream = 'stdout') =>
    log.push({ seq: log.length + 1, at: new Date(base + seconds * 1_000).toISOString(), host, step, stream, text })
  say(0, null, 1, '\u001b[36m$\u001b[0m ./ci/preflight.sh')
  say(0.4, null, 1, 'disk 41% used, memory \u001b[32mok\u001b[0m')
  say(1.3, null, 2, `\u001b[1mHEAD is now at ${commit.slice(0, 7)}\u001b[0m ${title}`)
  say(9, null, 3, '\u001b[36m$\u001b[0m npm ci && npm run build')
  say(
    11,
    null,
    3,
    '\u001b[33mnpm warn\u001b[0m deprecated inflight@1.0.6: this module is not supported, and leaks memory. Do not use it.',
    'stderr',
  )
  say(17, null, 3, 'added 412 packages in 8s')
  say(18, null, 3, '\u001b[35mvite\u001b[0m v8.0.0 building for production… <script>alert("not markup")</script>')
  for (let i = 1; i <= 1200; i++) {
    say(
      18 + i / 60,
      null,
      3,
      `dist/assets/\u001b[36mchunk-${String(i).padStart(4, '0')}.js\u001b[0m  \u001b[2m${(i * 37) % 900} kB │ gzip: ${(i * 13) % 300} kB\u001b[0m`,
    )
  }
  say(40, null, 3, '\u001b[32m✓ built in 21.44s\u001b[0m')
  for (const host of names) {
    say(42, host, 4, './migrate.sh: 2 migrations applied')
    say(56, host, 5, '38 of 2,114 files sent (1.2 MiB), the rest made from the release before', 'system')
    say(70, host, 5, 'every file checked, switched', 'system')
    say(72, host, 6, 'restarted \u001b[1mshop.service\u001b[0m')
  }
  return log
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
    received_at: ago(hours * HOUR),
    verdict,
    reason,
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
