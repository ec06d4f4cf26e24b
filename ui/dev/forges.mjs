// Forges, the outbox and alerts of the mock server: what pages read, and answers to tests, hooks and keys.
const HOUR = 3_600_000
const ago = hours => new Date(Date.now() - hours * HOUR).toISOString()
const soon = minutes => new Date(Date.now() + minutes * 60_000).toISOString()
const hookUrl = id => `http://127.0.0.1:8700/hooks/${id}`
const source = (from, name, set = true) => ({ from, name, set })

export function forges() {
  const forge = (id, kind, api_url, more) => ({
    id,
    kind,
    api_url,
    hook_url: hookUrl(id),
    signature: 'hmac-sha256',
    credential: 'token',
    has_token: true,
    has_webhook_secret: true,
    webhook_secret: source('env', `${id.toUpperCase()}_WEBHOOK_SECRET`),
    git_key: null,
    deploy_key: null,
    repositories: [],
    budget: null,
    paused_until: null,
    ...more,
  })
  return [
    forge('github', 'github', 'https://api.github.com', {
      credential: 'app',
      repositories: ['acme/shop', 'acme/warehouse'],
      budget: { limit: 5000, remaining: 4213, reset_at: soon(24) },
    }),
    forge('gitlab', 'gitlab', 'https://gitlab.example.com/api/v4', {
      signature: 'token',
      webhook_secret: source('secret', 'gitlab-hook', false),
      has_webhook_secret: false,
      repositories: ['platform/ledger'],
      paused_until: soon(8),
      git_key: source('secret', 'gitlab-deploy-key'),
      deploy_key:
        'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFm3p8Zq0x0mM6x2f9fXxkq8yKcWcJ1q7hN3d5uR2bLk davit gitlab-deploy-key',
    }),
    forge('gitea', 'gitea', 'https://git.example.com/api/v1', { has_token: false, credential: 'none' }),
    forge('gitee', 'gitee', 'https://gitee.com/api/v5', {
      signature: 'timestamp',
      repositories: ['acme/billing'],
      git_key: source('file', '/etc/davit/gitee_key'),
    }),
    forge('builder', 'generic', '', {
      has_token: false,
      credential: 'none',
      webhook_secret: source('secret', 'builder-hook'),
    }),
  ]
}

export function outbox() {
  const call = (id, state, more) => ({
    id,
    kind: 'commit_status',
    lane: `status github acme/shop 7f3c2d1e davit/deploy/production ${id}`,
    forge: 'github',
    channel: null,
    repository: 'acme/shop',
    commit: '7f3c2d1e0b5a49c8d7e6f5a4b3c2d1e0f9a8b7c6',
    summary: 'success: davit/deploy/production',
    url: null,
    state,
    attempts: 1,
    created_at: ago(0.2),
    next_at: null,
    done_at: null,
    error: null,
    ...more,
  })
  const done = Array.from({ length: 6 }, (_, i) =>
    call(i + 1, 'done', { created_at: ago(9 - i), done_at: ago(8.99 - i) }),
  )
  return [
    ...done,
    call(7, 'superseded', { summary: 'pending: davit/deploy/staging', done_at: ago(3), created_at: ago(3.1) }),
    call(8, 'dead', {
      forge: 'gitee',
      repository: 'acme/billing',
      summary: 'success: davit/deploy/staging',
      attempts: 94,
      created_at: ago(26),
      done_at: ago(1.6),
      error:
        'gitee.com answers 403: the token may not write check runs. Give it the scope projects, then send this again.',
    }),
    call(9, 'waiting', {
      summary: 'in_progress: deployment to production',
      kind: 'deployment_state',
      attempts: 3,
      next_at: soon(1.5),
      error: 'api.github.com did not answer within 10 s.',
    }),
    call(10, 'waiting', {
      forge: 'gitlab',
      repository: 'platform/ledger',
      summary: 'success: davit/deploy/production',
      attempts: 11,
      created_at: ago(2),
      next_at: soon(8),
      error: 'gitlab.example.com answers 429: asked to wait until its rate limit is full again.',
    }),
    call(11, 'leased', { summary: 'pending: davit/deploy/test', created_at: ago(0.002) }),
  ]
}

export const alerts = () => [
  {
    id: 1,
    kind: 'forge_call',
    subject: 'status gitee acme/billing 7f3c2d1e0b5a49c8 davit/deploy/staging',
    detail: 'gitee.com answers 403: the token may not write check runs. Give it the scope projects.',
    since: ago(1.6),
    ended_at: null,
  },
]

const NEEDS = {
  'read the code': 'Contents: read',
  'set commit statuses': 'Commit statuses: write',
  'report deployments': 'Deployments: write',
  'set its webhook and ask for what that missed': 'Webhooks: write',
  'see pull requests': 'Pull requests: read',
  'see checks': 'Checks: read',
}
const hooked = new Set(['acme/shop'])

/** Routes over the mock's tables; `tools` are the server's own helpers. */
export function forgeRoutes(db, { emit, find, page, paged, filtered, newest, Problem, now }) {
  const forge = id => find(db.forges, item => item.id === id, `forge ${id}`)
  const call = id => find(db.outbox, item => item.id === Number(id), `outgoing call ${id}`)
  const count = (id, states) => db.outbox.filter(item => item.forge === id && states.includes(item.state)).length
  const view = item => {
    const last = newest(db.deliveries).find(delivery => delivery.forge === item.id)
    return {
      ...item,
      last_delivery: !last
        ? null
        : { id: last.id, event: last.event, verdict: last.verdict, received_at: last.received_at },
      waiting: count(item.id, ['waiting', 'leased']),
      dead: count(item.id, ['dead']),
    }
  }
  return [
    ['GET', '/forges', () => page(db.forges.map(view))],
    ['GET', '/forges/:id', ({ id }) => view(forge(id))],
    ['POST', '/forges/:id/check', ({ id, body }) => check(forge(id), body.repository, Problem)],
    ['POST', '/forges/:id/hook', ({ id, body }) => register(forge(id), body.repository, emit)],
    ['POST', '/forges/:id/deploy-key', ({ id, body }) => deployKey(forge(id), body.repository, emit)],
    [
      'GET',
      '/outbox',
      ({ query }) => paged(searched(filtered(newest(db.outbox), query, ['state', 'forge']), query), query),
    ],
    ['POST', '/outbox/:id/retry', ({ id }) => retry(db, call(id), emit, now)],
    ['GET', '/alerts', () => page(db.alerts)],
  ]
}

/** Items that have the words of `search` anywhere. */
export function searched(items, query) {
  const words = (query.get('search') ?? '').toLowerCase()
  return words ? items.filter(item => JSON.stringify(item).toLowerCase().includes(words)) : items
}

async function check(forge, repository, Problem) {
  await new Promise(resolve => setTimeout(resolve, 700))
  if (!forge.has_token) {
    const why = `The forge ${forge.id} has no token in davit: set token under its [[forge]] and apply.`
    throw new Problem(409, 'conflict', why)
  }
  if (repository.startsWith('nobody/')) {
    const detail = `${forge.id} has no repository ${repository}, or this credential may not see it.`
    const hook = { state: 'unknown', id: null, events: [], last_response: null, detail: '' }
    return { repository, reachable: false, detail, default_branch: null, needs: [], hook, clock_skew_ms: null }
  }
  const has = hooked.has(repository)
  const granted = what =>
    what === 'report deployments' ? repository !== 'acme/warehouse' : what === 'see checks' ? null : true
  return {
    repository,
    reachable: true,
    detail: '',
    default_branch: 'main',
    needs: Object.entries(NEEDS).map(([what, permission]) => ({ what, permission, granted: granted(what) })),
    hook: {
      state: has ? 'registered' : 'missing',
      id: has ? 4711 : null,
      events: has ? ['push', 'pull_request', 'deployment'] : [],
      last_response: has ? '202 Accepted' : null,
      detail: '',
    },
    clock_skew_ms: forge.id === 'gitlab' ? 184_000 : 240,
  }
}

async function register(forge, repository, emit) {
  await new Promise(resolve => setTimeout(resolve, 700))
  const secret =
    forge.webhook_secret.from === 'secret' ? (forge.has_webhook_secret ? 'stored' : 'made') : forge.webhook_secret.from
  hooked.add(repository)
  forge.has_webhook_secret = true
  forge.webhook_secret.set = true
  emit('config')
  return { id: 4712, url: forge.hook_url, active: true, events: ['push', 'pull_request', 'deployment'], secret }
}

function deployKey(forge, repository, emit) {
  const made = !forge.deploy_key
  const secret = forge.git_key?.name ?? `${forge.id}-deploy-key`
  forge.deploy_key ??= `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBq8yKcWcJ1q7hN3d5uR2bLkm3p8Zq0x0mM6x2f9fXx davit ${secret}`
  emit('config')
  return {
    public_key: forge.deploy_key,
    secret,
    made,
    in_use: forge.git_key?.name === secret,
    added_to: repository ?? null,
  }
}

function retry(db, call, emit, now) {
  Object.assign(call, { state: 'leased', next_at: null, done_at: null, attempts: call.attempts + 1 })
  emit('outbox')
  setTimeout(() => {
    Object.assign(call, { state: 'done', done_at: now(), error: null })
    db.alerts = db.alerts.filter(alert => !alert.subject.includes(call.forge))
    emit('outbox')
    emit('alert')
  }, 900)
  return call
}
