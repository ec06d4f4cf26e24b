// A stand-in for davit's API, for work on the pages without a server: `npm run mock`, then `npm run dev`.
// Stateful, in memory, and deploys to nobody. Log in as admin / correct-horse-battery. MOCK_FRESH=1 starts before
// set-up (code 4821-ZQ7K) with nothing configured. Speaks only what the UI reads; it decides nothing davit decides.
import { randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { configRoutes } from './configs.mjs'
import { applyDocument, exportDocument } from './document.mjs'
import { fixtures } from './fixtures.mjs'
import { estateRoutes } from './estate.mjs'
import { forgeRoutes, searched } from './forges.mjs'
import { logRoutes } from './logs.mjs'
import { requestRoutes } from './requests.mjs'
import { peopleRoutes } from './people.mjs'
import { addPaused, rolloutRoutes } from './rollout.mjs'
import { createSimulator } from './simulator.mjs'
import { echoTerminal, watchingRoutes } from './watching.mjs'

const port = Number(process.env.PORT ?? 8700)
const fresh = process.env.MOCK_FRESH === '1'
const db = fixtures({ fresh })
addPaused(db.deployments)
const sessions = new Map()
const listeners = new Set()
const simulator = createSimulator(db, emit)

function emit(topic, subject = {}) {
  const change = { topic, id: subject.id ?? null, app: subject.app ?? null, environment: subject.environment ?? null }
  for (const response of listeners) response.write(`event: change\ndata: ${JSON.stringify(change)}\n\n`)
}

class Problem extends Error {
  constructor(status, code, detail, errors) {
    super(detail)
    this.body = { type: 'about:blank', title: code, status, code, detail, ...(errors ? { errors } : {}) }
  }
}

const notFound = what =>
  new Problem(404, 'not_found', `There is no ${what}. It may have been removed; go back to the list.`)
const find = (list, test, what) => {
  const item = list.find(test)
  if (!item) throw notFound(what)
  return item
}
const page = items => ({ items, next: null })
const now = () => new Date().toISOString()

function paged(items, query) {
  const limit = Number(query.get('limit') ?? 50)
  const start = Number(query.get('cursor') ?? 0)
  const next = start + limit < items.length ? String(start + limit) : null
  return { items: items.slice(start, start + limit), next }
}

function filtered(items, query, names) {
  return items.filter(item => names.every(name => !query.get(name) || query.get(name).split(',').includes(item[name])))
}

const people = peopleRoutes({ page, find, Problem, now })

/** What it answers to: methods, paths in parts, and how. */
export const routes = [
  ['GET', '/setup', () => ({ needed: db.users.length === 0 }), 'open'],
  ['POST', '/setup', ({ body, response }) => setUp(body, response), 'open'],
  ['POST', '/session', ({ body, response }) => logIn(body, response), 'open'],
  ['GET', '/session', ({ user }) => session(user)],
  ['DELETE', '/session', ({ token, response }) => logOut(token, response)],
  ['GET', '/overview', ({ user }) => overview(user)],
  ['GET', '/delivery', ({ query }) => figures(Number(query.get('days') ?? 30))],
  ['GET', '/apps', () => page(db.apps.map(appSummary))],
  ['GET', '/apps/:app', ({ app }) => appDetail(app)],
  ['GET', '/apps/:app/environments/:env/releases', ({ app, env }) => page(releases(app, env))],
  [
    'GET',
    '/deployments',
    ({ query }) => paged(filtered(newest(db.deployments), query, ['state', 'app', 'environment']).map(summary), query),
  ],
  ['GET', '/deployments/:id', ({ id }) => detail(deployment(id))],
  ['POST', '/deployments/:id/cancel', ({ id }) => summary(simulator.cancel(deployment(id)))],
  ['GET', '/deployments/:id/logs', ({ id, query }) => logPage(deployment(id), query)],
  ['GET', '/deployments/:id/log.txt', ({ id, response }) => sendText(response, logText(deployment(id)))],
  [
    'GET',
    '/deployments/:id/logs/stream',
    ({ id, query, request: req, response }) => streamLog(deployment(id), query, req, response),
  ],
  ...logRoutes({ db, deployment: id => deployment(id), summary, Problem }),
  ...requestRoutes({
    db,
    emit,
    find,
    paged,
    newest: list => newest(list),
    live,
    releases,
    simulator,
    Problem,
    now,
    appOf: key => appOf(key),
  }),
  ...configRoutes({ db, emit, find, appOf: key => appOf(key), Problem, now }),
  ...forgeRoutes(db, { emit, find, page, paged, filtered, newest: list => newest(list), Problem, now }),
  ...people.routes,
  ...watchingRoutes({ page, find, sendText, now }),
  ...rolloutRoutes({ db, deployment: id => deployment(id), summary, emit, appOf: key => appOf(key), live }),
  ['GET', '/hosts', () => page(db.hosts)],
  ['GET', '/hosts/public-key', () => ({ public_key: db.publicKey })],
  ...estateRoutes({ db, emit, find, page, Problem }),
  ['POST', '/hosts/:name/verify', ({ name }) => verifyHost(name)],
  ['POST', '/hosts/:name/accept-key', ({ name, body }) => acceptKey(name, body)],
  [
    'GET',
    '/deliveries',
    ({ query }) => paged(searched(filtered(newest(db.deliveries), query, ['forge', 'verdict']), query), query),
  ],
  ['GET', '/deliveries/:id', ({ id }) => find(db.deliveries, item => item.id === Number(id), `delivery ${id}`)],
  ['POST', '/deliveries/:id/replay', ({ id }) => replay(id)],
  ['POST', '/apply', ({ body }) => apply(body)],
  ['GET', '/export', ({ response }) => sendText(response, exportDocument(db))],
  ['GET', '/events', ({ request: req, response }) => streamEvents(req, response)],
].map(([method, pattern, handle, access]) => ({ method, parts: pattern.split('/'), handle, access }))

export const server = createServer(async (req, response) => {
  try {
    await serve(req, response)
  } catch (error) {
    const body = error.body ?? new Problem(500, 'internal', 'The mock server failed; see its output.').body
    if (!error.body) console.error(error)
    response.writeHead(body.status, { 'content-type': 'application/problem+json' })
    response.end(JSON.stringify(body))
  }
}).on('upgrade', echoTerminal)

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  server.listen(port, '127.0.0.1', () => console.log(`mock davit on http://127.0.0.1:${port}`))
}

async function serve(req, response) {
  const url = new URL(req.url, 'http://mock')
  const target = url.pathname
    .replace(/^\/api\/v1/, '')
    .split('/')
    .map(decodeURIComponent)
  const route = routes.find(candidate => candidate.method === req.method && matches(candidate.parts, target))
  if (!route) throw notFound(`route ${req.method} ${url.pathname}`)
  const token = /davit_session=(\w+)/.exec(req.headers.cookie ?? '')?.[1]
  const user = sessions.get(token)
  if (route.access !== 'open') admit(req, user)
  const params = Object.fromEntries(
    route.parts.flatMap((part, i) => (part.startsWith(':') ? [[part.slice(1), target[i]]] : [])),
  )
  const body = req.method === 'GET' ? undefined : await readJson(req)
  const result = await route.handle({ ...params, query: url.searchParams, body, user, token, request: req, response })
  if (response.headersSent) return
  const status = result === undefined ? 204 : req.method === 'POST' && result.created_at ? 201 : 200
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(result === undefined ? undefined : JSON.stringify(result))
}

function matches(parts, target) {
  return parts.length === target.length && parts.every((part, i) => part.startsWith(':') || part === target[i])
}

function admit(req, user) {
  if (db.users.length === 0)
    throw new Problem(409, 'setup_needed', 'davit has no administrator yet. Open the set-up page.')
  if (!user) throw new Problem(401, 'unauthenticated', 'You are not logged in. Log in and try again.')
  if (req.method !== 'GET' && req.headers['x-davit-request'] !== '1') {
    throw new Problem(403, 'denied', 'Writes from a browser must carry the header X-Davit-Request: 1.')
  }
}

async function readJson(req) {
  const chunks = []
  for await (const chunk of req) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString()
  return text ? JSON.parse(text) : {}
}

function sendText(response, text) {
  response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(text)
}

// Set-up and session

const session = user => ({ user: people.me(user), version: '0.1.0', public_url: `http://127.0.0.1:${port}` })

function open(user, response) {
  const token = randomBytes(8).toString('hex')
  sessions.set(token, user)
  response.setHeader('set-cookie', `davit_session=${token}; HttpOnly; SameSite=Strict; Path=/`)
  return session(user)
}

function setUp({ code, name, password }, response) {
  if (db.users.length > 0) throw new Problem(409, 'conflict', 'davit already has an administrator. Log in instead.')
  if (code !== '4821-ZQ7K') {
    throw new Problem(403, 'denied', 'This is not the one-time code. davit prints it when it starts; look at its log.')
  }
  db.users.push({ id: 1, name, role: 'admin', password })
  return open({ id: 1, name, role: 'admin' }, response)
}

function logIn({ name, password }, response) {
  const user = db.users.find(item => item.name === name && item.password === password)
  if (!user) throw new Problem(401, 'unauthenticated', 'Name or password is not right.')
  return open({ id: user.id, name: user.name, role: user.role }, response)
}

function logOut(token, response) {
  sessions.delete(token)
  response.setHeader('set-cookie', 'davit_session=; Max-Age=0; Path=/')
}

// Views

const newest = list => [...list].sort((a, b) => b.id - a.id)
const deployment = id => find(db.deployments, item => item.id === Number(id), `deployment ${id}`)
const appOf = key => find(db.apps, item => item.key === key, `app ${key}`)
const running = item => !['succeeded', 'failed', 'reverted', 'cancelled', 'superseded'].includes(item.state)

const DETAILS = ['log', 'host_runs', 'cells', 'steps', 'previous_release', 'last_seq']

function summary(item) {
  return Object.fromEntries(Object.entries(item).filter(([name]) => !DETAILS.includes(name)))
}

function detail({ log, ...rest }) {
  return { ...rest, last_seq: log.at(-1)?.seq ?? 0 }
}

function live(app, environment) {
  const last = newest(db.deployments).find(
    item => item.app === app && item.environment === environment && item.state === 'succeeded',
  )
  if (!last) return null
  const { release, commit, title, finished_at, id, hosts_total } = last
  return { release, commit, title, at: finished_at, deployment: id, hosts: hosts_total, git_ref: 'main' }
}

function lastDeployment(app, environment) {
  const last = newest(db.deployments).find(item => item.app === app && item.environment === environment)
  return last ? summary(last) : null
}

function overview(user) {
  const apps = db.apps.map(({ key, name, configs }) => ({
    key,
    name,
    cells: configs.map(({ environment }) => ({
      environment,
      live: live(key, environment),
      last: lastDeployment(key, environment),
      health: { hosts: 2, behind: 0, down: 0, differing: 0, asked_at: null },
      newest: null,
    })),
  }))
  return {
    environments: db.environments,
    apps,
    running: newest(db.deployments).filter(running).map(summary),
    waiting: newest(db.requests)
      .filter(item => ['awaiting_review', 'awaiting_release'].includes(item.state))
      .map(item => db.viewRequest(item, user)),
    hosts: db.hosts.length,
    forges: db.forges.length,
    alerts: db.alerts,
  }
}

/** Figures that look like those of a team; the mock has no history. */
function figures(days) {
  const weeks = days > 31
  const length = (weeks ? 7 : 1) * 86_400_000
  const count = Math.ceil((days * 86_400_000) / length)
  const from = Math.floor(Date.now() / 86_400_000 + 1) * 86_400_000 - count * length
  const spread = (count, median) => (count ? { count, median, p90: median * 3 } : null)
  const of = (begin, end, live, failed) => ({
    from: new Date(begin).toISOString(),
    to: new Date(end).toISOString(),
    live,
    rolled_back: 0,
    failed,
    reverted: 0,
    stopped: failed,
    rollbacks: 0,
    per_day: live / ((end - begin) / 86_400_000),
    failure_rate: live + failed ? failed / (live + failed) : null,
    lead: spread(live, 5_400 + 600 * live),
    restore: spread(failed, 1_500 * failed),
  })
  const parts = Array.from({ length: count }, (_, n) =>
    of(from + n * length, from + (n + 1) * length, (n * 7) % 5, n % 6 === 3 ? 1 : 0),
  )
  const sum = name => parts.reduce((total, part) => total + part[name], 0)
  const period = of(from, from + count * length, sum('live'), sum('failed'))
  const before = of(from - count * length, from, Math.round(sum('live') * 0.7), sum('failed') + 1)
  return { days, period, before, weeks, parts, open: 0 }
}

function appSummary({ key, name, repository, configs }) {
  const environments = configs.map(({ environment }) => ({ environment, live: live(key, environment) }))
  return { key, name, repository, environments }
}

function appDetail(key) {
  const recent = newest(db.deployments)
    .filter(item => item.app === key)
    .slice(0, 20)
    .map(summary)
  return { ...appOf(key), recent }
}

function releases(app, environment) {
  const good = newest(db.deployments).filter(
    item =>
      item.app === app && item.environment === environment && item.state === 'succeeded' && item.kind !== 'rollback',
  )
  const current = live(app, environment)?.release
  return good.slice(0, 5).map(item => ({
    release: item.release,
    commit: item.commit,
    title: item.title,
    by: item.user,
    at: item.finished_at,
    deployment: item.id,
    hosts: item.host_runs.map(run => run.host),
    available_on: item.host_runs.map(run => run.host),
    missing_on: [],
    build: false,
    live: item.release === current,
  }))
}

// Logs

function logPage(item, query) {
  const after = Number(query.get('after') ?? 0)
  const limit = Number(query.get('limit') ?? 1000)
  return { items: item.log.filter(line => line.seq > after).slice(0, limit), last_seq: item.log.at(-1)?.seq ?? 0 }
}

function logText(item) {
  return item.log.map(({ at, host, step, text }) => `${at} ${host ?? 'server'} ${step} ${text}\n`).join('')
}

function streamLog(item, query, req, response) {
  let sent = Number(req.headers['last-event-id'] ?? query.get('after') ?? 0)
  startStream(response)
  const push = () => {
    for (const line of item.log.filter(entry => entry.seq > sent)) {
      response.write(`id: ${line.seq}\nevent: line\ndata: ${JSON.stringify(line)}\n\n`)
      sent = line.seq
    }
    response.write(`event: state\ndata: ${JSON.stringify(detail(item))}\n\n`)
    if (running(item)) return
    response.write(`event: end\ndata: ${JSON.stringify({ state: item.state })}\n\n`)
    stop()
    response.end()
  }
  const stop = simulator.watch(item.id, push)
  req.on('close', stop)
  push()
}

function streamEvents(req, response) {
  startStream(response)
  listeners.add(response)
  const heartbeat = setInterval(() => response.write(': still here\n\n'), 15_000)
  req.on('close', () => {
    clearInterval(heartbeat)
    listeners.delete(response)
  })
}

function startStream(response) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  response.write(': hello\n\n')
}

// Hosts, deliveries, configuration

async function verifyHost(name) {
  const host = find(db.hosts, item => item.name === name, `host ${name}`)
  await new Promise(resolve => setTimeout(resolve, 600))
  const result = db.hostAnswers[name] ?? {
    ok: true,
    detail: 'Connected and ran a command.',
    fingerprint: host.host_key_fingerprint,
    code: 'ok',
  }
  host.check = { at: now(), ...result }
  emit('host', { id: name })
  return host.check
}

function acceptKey(name, { fingerprint }) {
  const host = find(db.hosts, item => item.name === name, `host ${name}`)
  host.host_key_fingerprint = fingerprint
  host.check = { at: now(), ok: true, code: 'ok', detail: 'Connected and ran a command.', fingerprint: null }
  delete db.hostAnswers[name]
  emit('host', { id: name })
  return host
}

function replay(id) {
  const item = find(db.deliveries, candidate => candidate.id === Number(id), `delivery ${id}`)
  Object.assign(item, { attempts: item.attempts + 1, verdict: 'received', reason: null })
  emit('delivery', item)
  setTimeout(() => {
    Object.assign(item, { verdict: 'processed', reason: 'Replayed by a person; nothing new to start.' })
    emit('delivery', item)
  }, 900)
  return item
}

function apply({ document, values, dry_run: dryRun, prune }) {
  const { errors, plan } = applyDocument(db, document, values ?? {}, { dryRun, prune })
  if (errors.length > 0) {
    throw new Problem(
      422,
      'invalid_config',
      `${errors.length} things in the document are not right. Nothing was changed.`,
      errors,
    )
  }
  if (!dryRun) emit('config')
  return { plan, applied: !dryRun }
}
