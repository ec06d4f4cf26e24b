// Requests of the mock server: asked for, reviewed, edited, compared with what is live. Rules only as far as pages
// show them.
import { createHash } from 'node:crypto'

const OPEN = ['awaiting_review', 'awaiting_release']
const GROUPS = ['awaiting_review', 'awaiting_release', 'releasing', 'succeeded', 'failed']

export function requestRoutes({ db, emit, find, paged, newest, live, releases, simulator, Problem, now, appOf }) {
  const request = id => find(db.requests, item => item.id === Number(id), `request ${id}`)
  const configOf = (app, environment) =>
    find(appOf(app).configs, item => item.environment === environment, `release config ${app}/${environment}`)

  function allowed(item, user) {
    const open = OPEN.includes(item.state)
    const own = item.created_by === user.name
    const review = item.state === 'awaiting_review' && !own
    const ended = ['failed', 'cancelled'].includes(item.state)
    return {
      edit: open && (own || user.role === 'admin'),
      withdraw: open && (own || user.role === 'admin'),
      approve: review,
      reject: review,
      release: item.state === 'awaiting_release',
      schedule: open && user.role !== 'developer',
      retry: ended,
      clone: true,
      rollback: item.state === 'succeeded',
    }
  }

  function view(item, user) {
    const { revision } = configOf(item.app, item.environment)
    const filled = {
      description: '',
      version: 1,
      updated_at: item.created_at,
      approvals_expire_at: null,
      reviews: item.approvals.map(said => ({ ...said, verdict: 'approve', reason: null, version: 1, void: false })),
      review: {
        required: item.required_approvals,
        self_approval: false,
        reviewers: ['group:leads'],
        expires: 86_400,
        expires_at: null,
      },
      scheduled_at: null,
      batch: null,
      cloned_from: null,
      revision,
      latest_revision: revision,
      build_id: null,
      author: item.created_by,
      scheduled_by: null,
      hosts: null,
      inputs: {},
      waits_for: null,
      editors: [],
      build: null,
    }
    return { ...filled, ...item, allowed: allowed(item, user) }
  }

  const groupOf = item => (GROUPS.includes(item.state) ? item.state : 'other')
  const waits = (item, user) => {
    const may = allowed(item, user)
    return may.approve || may.release
  }

  function narrowed(query, user) {
    const words = (query.get('q') ?? '').toLowerCase()
    return newest(db.requests).filter(
      item =>
        ['app', 'environment'].every(name => !query.get(name) || query.get(name) === item[name]) &&
        (!query.get('author') || item.created_by === query.get('author')) &&
        (!query.get('mine') || item.created_by === user.name) &&
        (!query.get('waiting_for_me') || waits(item, user)) &&
        `${item.title} ${item.commit} ${item.created_by}`.toLowerCase().includes(words),
    )
  }

  function list({ query, user }) {
    const group = query.get('group') || 'all'
    const items = narrowed(query, user).filter(item => group === 'all' || groupOf(item) === group)
    return paged(
      items.map(item => view(item, user)),
      query,
    )
  }

  function counts({ query, user }) {
    const items = narrowed(query, user)
    const result = { all: items.length, waiting_for_me: db.requests.filter(item => waits(item, user)).length }
    for (const group of [...GROUPS, 'other']) result[group] = items.filter(item => groupOf(item) === group).length
    for (const state of ['rejected', 'withdrawn', 'cancelled', 'superseded']) {
      result[state] = items.filter(item => item.state === state).length
    }
    return result
  }

  function make(fields, hosts) {
    const required = fields.environment === 'production' ? 1 : 0
    const created = {
      id: Math.max(0, ...db.requests.map(item => item.id)) + 1,
      kind: 'regular',
      git_ref: null,
      target_release: null,
      ...fields,
      state: required ? 'awaiting_review' : fields.scheduled_at ? 'awaiting_release' : 'releasing',
      version: 1,
      reviews: [],
      created_at: now(),
      updated_at: now(),
      decided_by: null,
      decided_at: null,
      reason: null,
      required_approvals: required,
      approvals: [],
      deployment: null,
    }
    db.hostsOfRequest.set(created.id, hosts)
    db.requests.push(created)
    if (created.state === 'releasing') simulator.start(created, hosts)
    emit('request', created)
    return created
  }

  function what(app, environment, body) {
    const refs = [...db.refs.branches, ...db.refs.tags]
    const named = body.ref ? refs.find(item => item.name === body.ref) : refs[0]
    if (body.ref && !named)
      throw new Problem(422, 'invalid', `There is no branch or tag "${body.ref}". Choose another.`)
    return {
      app,
      environment,
      commit: body.commit ?? named.commit,
      git_ref: body.ref ? `refs/${db.refs.tags.includes(named) ? 'tags' : 'heads'}/${named.name}` : null,
      title: body.title || named.subject,
      description: body.description ?? '',
      scheduled_at: body.scheduled_at ?? null,
      inputs: body.inputs ?? {},
      hosts: body.hosts ?? null,
    }
  }

  function deploy({ app, env, body, user }, more = {}) {
    const config = configOf(app, env)
    const made = make({ ...what(app, env, body), created_by: user.name, ...more }, body.hosts ?? config.hosts)
    return view(made, user)
  }

  function askBatch({ body, user }) {
    const batch = Math.max(0, ...db.requests.map(item => item.batch ?? 0)) + 1
    const { environment, items, ...words } = body
    return {
      batch,
      items: items.map(({ app, ...of }) =>
        deploy({ app, env: environment, body: { ...words, ...of }, user }, { batch }),
      ),
    }
  }

  function rollBack({ app, env, body, user }) {
    const kept = releases(app, env)
    const target = body.to ? kept.find(item => item.release === body.to) : kept.find(item => !item.live)
    if (!target) throw new Problem(409, 'conflict', 'No older good release is kept, so there is nothing to go back to.')
    const fields = { app, environment: env, kind: 'rollback', commit: target.commit, target_release: target.release }
    const made = make(
      { ...fields, title: `Roll back to ${target.release}`, created_by: user.name },
      configOf(app, env).hosts,
    )
    return view(made, user)
  }

  function edit({ id, body, user }) {
    const item = request(id)
    const { version, scheduled_at: at, latest_config: latest, ...words } = body
    if (version !== item.version) throw new Problem(409, 'changed', 'It was edited meanwhile. Look at it again.')
    if (at !== undefined) item.scheduled_at = at
    const { ref, ...fields } = words
    if (Object.keys(words).length > 0 || latest) {
      if (ref) Object.assign(fields, { git_ref: `refs/heads/${ref}` })
      for (const review of item.reviews) review.void = true
      const state = item.required_approvals ? 'awaiting_review' : item.state
      Object.assign(item, fields, { version: version + 1, approvals: [], state, updated_at: now() })
    }
    emit('request', item)
    return view(item, user)
  }

  function decide({ id, verb, body, user }) {
    const item = request(id)
    if (verb === 'clone') {
      const env = body.environment ?? item.environment
      return deploy(
        { app: item.app, env, body: { commit: item.commit, title: body.title }, user },
        { cloned_from: item.id },
      )
    }
    if (!allowed(item, user)[verb]) throw new Problem(409, 'conflict', `It can't be done: it is ${item.state} now.`)
    const said = { user: user.name, at: now(), reason: body.reason ?? null, version: item.version, void: false }
    const decided = { decided_by: user.name, decided_at: now() }
    if (verb === 'approve') {
      item.approvals.push({ user: user.name, at: now() })
      item.reviews.push({ ...said, verdict: 'approve' })
      Object.assign(item, decided, { state: 'awaiting_release' })
    } else if (verb === 'reject') {
      item.reviews.push({ ...said, verdict: 'reject' })
      Object.assign(item, decided, { state: 'rejected', reason: body.reason })
    } else if (verb === 'withdraw') {
      item.state = 'withdrawn'
    } else {
      item.state = 'releasing'
      simulator.start(item, db.hostsOfRequest.get(item.id) ?? configOf(item.app, item.environment).hosts)
    }
    emit('request', item)
    return view(item, user)
  }

  function batchOf(id, user) {
    const items = db.requests.filter(item => item.batch === Number(id)).map(item => view(item, user))
    const [{ title, environment, created_by, created_at }] = items
    return { id: Number(id), batch: Number(id), title, description: '', environment, created_by, created_at, items }
  }

  function decideBatch({ id, verb, body, user }) {
    const items = batchOf(id, user).items.map(item => {
      try {
        return { request: decide({ id: item.id, verb, body, user }), ok: true, sentence: null }
      } catch (error) {
        return { request: item, ok: false, sentence: error.message }
      }
    })
    return { items }
  }

  db.viewRequest = view
  return [
    ['GET', '/requests', list],
    ['GET', '/requests/counts', counts],
    ['POST', '/requests/batch', askBatch],
    ['GET', '/requests/:id', ({ id, user }) => view(request(id), user)],
    ['PATCH', '/requests/:id', edit],
    ['GET', '/requests/:id/diff', ({ id }) => diff(request(id), live(request(id).app, request(id).environment))],
    ['GET', '/requests/:id/diff/file', ({ query }) => ({ patch: patchOf(query.get('path')), truncated: false })],
    ['POST', '/requests/:id/:verb', decide],
    ['GET', '/batches/:id', ({ id, user }) => batchOf(id, user)],
    ['POST', '/batches/:id/:verb', decideBatch],
    ['GET', '/apps/:app/refs', ({ query }) => refs(db.refs, query.get('q') ?? '')],
    ['GET', '/apps/:app/commits', ({ query }) => commits(query)],
    [
      'GET',
      '/apps/:app/environments/:env/diff',
      ({ app, env, query }) => diff({ commit: query.get('commit') }, live(app, env)),
    ],
    [
      'GET',
      '/apps/:app/environments/:env/diff/file',
      ({ query }) => ({ patch: patchOf(query.get('path')), truncated: false }),
    ],
    ['POST', '/apps/:app/environments/:env/deploy', context => deploy(context)],
    ['POST', '/apps/:app/environments/:env/rollback', rollBack],
  ]
}

const sha = text => createHash('sha1').update(text).digest('hex')
const AUTHORS = ['Maria Rossi', '李伟', 'Jonas Weber']
const SUBJECTS = [
  'Show delivery date on the order page',
  '修复退款金额的四舍五入',
  'Cache the category tree for anonymous visitors, and drop it when an editor saves a category or moves a product',
  'Retry the payment callback once',
  'Update dependencies',
]

function history(ref, n) {
  return Array.from({ length: n }, (_, i) => ({
    sha: sha(`${ref}${i}`),
    author: AUTHORS[i % AUTHORS.length],
    at: new Date(Date.now() - i * 5_400_000).toISOString(),
    subject: SUBJECTS[i % SUBJECTS.length],
  }))
}

function commits(query) {
  const words = (query.get('q') ?? '').toLowerCase()
  const all = history(query.get('ref'), 64).filter(item => JSON.stringify(item).toLowerCase().includes(words))
  const start = all.findIndex(item => item.sha === query.get('before')) + 1
  const items = all.slice(start, start + Number(query.get('limit') ?? 20))
  return { items, next: start + items.length < all.length ? items.at(-1).sha : null }
}

function refs({ branches, tags }, q) {
  const matching = list => list.filter(item => item.name.includes(q))
  const [some, others] = [matching(branches), matching(tags)]
  return { branches: some, tags: others, branches_total: some.length, tags_total: others.length }
}

function diff({ commit }, base) {
  const files = [
    { path: 'src/orders/page.ts', old_path: null, status: 'modified', additions: 2, deletions: 1 },
    { path: 'src/orders/delivery-date.ts', old_path: null, status: 'added', additions: 64, deletions: 0 },
    { path: 'public/img/van.png', old_path: null, status: 'added', additions: null, deletions: null },
    { path: 'src/lib/format/date.ts', old_path: 'src/date.ts', status: 'renamed', additions: 2, deletions: 2 },
    { path: 'migrations/0041_old_orders.sql', old_path: null, status: 'deleted', additions: 0, deletions: 88 },
  ]
  return {
    base: base && { commit: base.commit, release: base.release, deployment: base.deployment },
    head: commit,
    ahead: 4,
    behind: base ? 1 : 0,
    commits: base ? history(commit, 4) : [],
    commits_truncated: false,
    files: base ? files : [],
    files_truncated: false,
    config: {
      from: 6,
      to: 7,
      diff: '@@ -4,3 +4,3 @@\n keep = 5\n-build_dir = "."\n+build_dir = "dist"\n hooks.after_release = """\n',
    },
    note: null,
  }
}

function patchOf(path) {
  return `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -12,4 +12,5 @@ export function orderPage(order: Order) {\n   const lines = order.lines.map(line)\n-  return page(lines)\n+  const date = deliveryDate(order)\n+  return page(lines, date)\n }\n \n`
}
