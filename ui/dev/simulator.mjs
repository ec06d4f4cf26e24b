// Pretends to deploy: walks a deployment through its steps on timers and writes the log lines a real one would.

const STEP_TITLES = [
  'Before checkout',
  'Checkout and build',
  'After checkout',
  'Before release',
  'Release',
  'After release',
]
const TICK_MS = Number(process.env.MOCK_TICK_MS ?? 700)

export const steps = state => STEP_TITLES.map((title, i) => ({ number: i + 1, title, state, on_server: i < 3 }))

/** What a deployment says besides, when nothing about it is unusual. */
export const USUAL = { mode: 'regular', batches: 1, pause: null, blocked: null, build: null, gates_overridden_by: null }

export function cellsOf(hosts, state, at = null) {
  const cell = (host, step) => ({ host, step, state, started_at: at, finished_at: at })
  return [1, 2, 3].map(step => cell(null, step)).concat(hosts.flatMap(host => [4, 5, 6].map(step => cell(host, step))))
}

export function createSimulator(db, emit) {
  const watchers = new Map()
  const timers = new Map()
  const now = () => new Date().toISOString()

  function changed(item) {
    for (const push of watchers.get(item.id) ?? []) push()
    emit('deployment', item)
  }

  function start(request, hosts) {
    const id = Math.max(0, ...db.deployments.map(item => item.id)) + 1
    const stamp = now().replace(/[-:]/g, '').slice(0, 15)
    const item = {
      id,
      request: request.id,
      app: request.app,
      environment: request.environment,
      kind: request.kind,
      state: 'queued',
      commit: request.commit,
      git_ref: request.git_ref,
      title: request.title,
      release: request.target_release ?? `${stamp}Z-${request.commit.slice(0, 7)}-${id}`,
      attempt: 1 + db.deployments.filter(other => other.request === request.id).length,
      created_at: now(),
      started_at: null,
      finished_at: null,
      reason: null,
      user: request.created_by,
      ...USUAL,
      hosts_total: hosts.length,
      hosts_done: 0,
      host_runs: hosts.map(host => ({
        host,
        state: 'waiting',
        step: null,
        reason: null,
        previous_release: null,
        batch: 1,
        tries: 0,
        updated_at: now(),
      })),
      steps: steps('waiting'),
      cells: cellsOf(hosts, 'waiting'),
      previous_release: null,
      last_seq: 0,
      log: [],
    }
    db.deployments.push(item)
    request.deployment = id
    changed(item)
    play(item, request, script(item, hosts))
    return item
  }

  function play(item, request, acts) {
    const [act, ...rest] = acts
    if (!act) return
    const timer = setTimeout(() => {
      act()
      if (item.state === 'succeeded') request.state = 'succeeded'
      changed(item)
      if (item.state === 'succeeded') emit('request', request)
      play(item, request, rest)
    }, TICK_MS)
    timers.set(item.id, timer)
  }

  function script(item, hosts) {
    const say = (host, step, text, stream = 'stdout') => {
      item.log.push({ seq: item.log.length + 1, at: now(), host, step, stream, text })
    }
    const cell = (host, step) => item.cells.find(other => other.host === host && other.step === step)
    const begin = (host, step) => Object.assign(cell(host, step), { state: 'running', started_at: now() })
    const end = (host, step) => Object.assign(cell(host, step), { state: 'succeeded', finished_at: now() })
    const step = (number, state) => {
      item.steps[number - 1].state = state
    }
    const run = (host, state) =>
      Object.assign(
        item.host_runs.find(other => other.host === host),
        { state, updated_at: now() },
      )
    const serverStep = (number, state, lines) => [
      () => {
        Object.assign(item, { state, started_at: item.started_at ?? now() })
        step(number, 'running')
        begin(null, number)
      },
      ...lines.map(text => () => say(null, number, text)),
      () => {
        end(null, number)
        step(number, 'succeeded')
      },
    ]
    const hostStep = (number, state, runState, text) => [
      () => {
        item.state = state
        step(number, 'running')
        for (const host of hosts) {
          begin(host, number)
          run(host, runState)
          say(host, number, text(host), number === 5 ? 'system' : 'stdout')
        }
      },
      ...hosts.map(host => () => {
        end(host, number)
        say(host, number, `\u001b[32m✓\u001b[0m step ${number} done on ${host}`, 'system')
        if (number === 6) {
          run(host, 'done')
          item.hosts_done += 1
        }
      }),
      () => step(number, 'succeeded'),
    ]
    return [
      ...serverStep(1, 'building', ['\u001b[36m$\u001b[0m ./ci/preflight.sh', 'disk 41% used, memory ok']),
      ...serverStep(2, 'building', [
        `\u001b[1mHEAD is now at ${item.commit.slice(0, 7)}\u001b[0m ${item.title}`,
        'Cloned into mirror, 2,114 objects',
      ]),
      ...serverStep(3, 'building', [
        '\u001b[36m$\u001b[0m npm ci && npm run build',
        '\u001b[33mwarn\u001b[0m deprecated inflight@1.0.6: this module is not supported',
        'added 412 packages in 8s',
        '\u001b[32m✓ built in 4.21s\u001b[0m',
      ]),
      ...hostStep(4, 'staging', 'staging', host => `\u001b[36m$\u001b[0m ./migrate.sh  \u001b[2m# ${host}\u001b[0m`),
      ...hostStep(
        5,
        'switching',
        'switching',
        host => `${host}: 38 of 2,114 files sent (1.2 MiB), verified, switching`,
      ),
      ...hostStep(6, 'verifying', 'verifying', () => '\u001b[36m$\u001b[0m systemctl --user restart shop'),
      () => Object.assign(item, { state: 'succeeded', finished_at: now() }),
    ]
  }

  function cancel(item) {
    clearTimeout(timers.get(item.id))
    Object.assign(item, { state: 'cancelled', finished_at: now(), reason: 'Cancelled by admin.' })
    for (const cell of item.cells) if (cell.state === 'running' || cell.state === 'waiting') cell.state = 'cancelled'
    for (const run of item.host_runs) if (run.state !== 'done') run.state = 'cancelled'
    item.log.push({
      seq: item.log.length + 1,
      at: now(),
      host: null,
      step: 3,
      stream: 'system',
      text: 'process group 4121 ended by SIGTERM',
    })
    changed(item)
    return item
  }

  function watch(id, push) {
    const set = watchers.get(id) ?? new Set()
    watchers.set(id, set.add(push))
    return () => set.delete(push)
  }

  return { start, cancel, watch }
}
