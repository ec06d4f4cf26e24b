// What was released before the mock server started, with every kind of outcome, and what is asked for.
import { ago } from './clock.mjs'
import { cellsOf, steps, USUAL } from './simulator.mjs'

/** A commit. */
export const sha = seed =>
  Array.from({ length: 40 }, (_, i) => ((seed * 7919 + i * 104729 + ((seed * i) % 13)) % 16).toString(16)).join('')

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

/** Puts it there. */
export function history(db) {
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
      [{ user: 'admin', at: ago(1) }],
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
    created_at: ago(hours + 4 / 60),
    decided_by: environment === 'production' ? 'admin' : null,
    decided_at: environment === 'production' ? ago(hours + 2 / 60) : null,
    reason: null,
    required_approvals: environment === 'production' ? 1 : 0,
    approvals: [],
    deployment: id,
    target_release: null,
  }
}

function pastDeployment({ id, request, state, hours, names }) {
  const { app, environment, kind, commit, git_ref: gitRef, title, created_by: user } = request
  const started = ago(hours)
  const finished = ago(hours - 94 / 3_600)
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
    ...USUAL,
    hosts_total: names.length,
    hosts_done: ok ? names.length : 0,
    host_runs: names.map(host => ({
      host,
      state: ok ? 'done' : 'cancelled',
      step: ok ? 6 : 5,
      reason: null,
      previous_release: null,
      batch: 1,
      tries: 1,
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
