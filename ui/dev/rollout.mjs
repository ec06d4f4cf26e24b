// The mock's batches, pauses, locks, host keys and what hosts say they serve: state changes alone, no deploying.
const HOUR = 3_600_000
const now = () => new Date().toISOString()
const later = hours => new Date(Date.now() + hours * HOUR).toISOString()

/** Two deployments that wait for a person: one between batches, one held because a host failed. */
export function addPaused(deployments) {
  const [between, held] = [...deployments].filter(item => item.hosts_total > 2 && item.state === 'succeeded').slice(-2)
  if (!between || !held) return
  const inBatches = item => {
    item.batches = 2
    item.finished_at = null
    item.state = 'paused'
    item.host_runs.forEach((run, index) => {
      run.batch = index === 0 ? 1 : 2
      if (index > 0) run.state = 'waiting'
    })
    item.cells = item.cells.map(cell =>
      cell.host && cell.host !== item.host_runs[0].host
        ? { ...cell, state: 'waiting', started_at: null, finished_at: null }
        : cell,
    )
    item.hosts_done = 1
  }
  inBatches(between)
  between.pause = { kind: 'confirm', next_batch: 2 }
  inBatches(held)
  const broken = held.host_runs[1]
  Object.assign(broken, {
    state: 'held',
    step: 6,
    batch: 1,
    reason: 'step 6 (after release) on web-2 ended with exit 1',
  })
  held.cells = held.cells.map(cell =>
    cell.host === broken.host ? { ...cell, state: cell.step === 6 ? 'failed' : 'succeeded' } : cell,
  )
  held.pause = { kind: 'held', reason: broken.reason }
}

export function rolloutRoutes({ db, deployment, summary, emit, appOf, live }) {
  const locks = [
    {
      id: 1,
      environment: 'production',
      app: null,
      reason: 'The database is being moved.',
      owner: 'maria',
      created_at: later(-2),
      expires_at: later(3),
    },
  ]
  const builds = [
    {
      id: 4,
      app: 'shop',
      digest: 'c4f1'.repeat(16),
      source: 'upload',
      commit: 'c4f1'.repeat(10),
      title: 'shop-2.4.1.tar.gz',
      created_by: 'maria',
      created_at: later(-5),
      used_at: later(-5),
      files: 1204,
      bytes: 48_000_000,
    },
    {
      id: 3,
      app: 'shop',
      digest: '9be2'.repeat(16),
      source: 'git',
      commit: '9be2'.repeat(10),
      title: 'Release 2.4.0',
      created_by: 'li.wei',
      created_at: later(-30),
      used_at: later(-26),
      files: 1199,
      bytes: 47_500_000,
    },
  ]
  const page = items => ({ items, next: null })
  const answers = (app, env) => {
    const config = appOf(app).configs.find(item => item.environment === env)
    const served = live(app, env)
    return page(
      (config?.hosts ?? []).map((host, index) => ({
        host,
        verdict: !served ? 'unknown' : index === 1 ? 'drift' : 'ok',
        live: served?.release ?? null,
        expected: served?.release ?? null,
        detail: {
          sentence: index === 1 ? '2 files of the live release are not as they were sent' : '',
          foreign: null,
          altered: index === 1 ? 2 : 0,
          files: index === 1 ? ['config/app.php', 'public/index.php'] : [],
        },
        at: served ? now() : null,
      })),
    )
  }
  const goOn = id => {
    const item = deployment(id)
    item.pause = null
    item.state = 'succeeded'
    item.finished_at = now()
    for (const run of item.host_runs) run.state = 'done'
    for (const cell of item.cells)
      Object.assign(cell, { state: 'succeeded', started_at: cell.started_at ?? now(), finished_at: now() })
    item.hosts_done = item.hosts_total
    emit('deployment', item)
    return summary(item)
  }
  const revert = (id, { reason }) => {
    const item = deployment(id)
    Object.assign(item, { pause: null, state: 'reverted', finished_at: now(), reason: `reverted by admin: ${reason}` })
    for (const run of item.host_runs) run.state = run.state === 'waiting' ? 'skipped' : 'reverted'
    emit('deployment', item)
    return summary(item)
  }
  return [
    ['POST', '/deployments/:id/continue', ({ id }) => goOn(id)],
    ['POST', '/deployments/:id/revert', ({ id, body }) => revert(id, body)],
    ['POST', '/deployments/:id/hosts/:host/retry', ({ id }) => goOn(id)],
    ['POST', '/deployments/:id/hosts/:host/skip', ({ id }) => goOn(id)],
    [
      'GET',
      '/environments/:env/gates',
      ({ env, query }) => {
        const held = locks.filter(lock => lock.environment === env && (!lock.app || lock.app === query.get('app')))
        const frozen = env === 'staging' ? { reason: 'Nobody is here on Friday evenings.', until: later(9) } : null
        return {
          open: !held.length && !frozen,
          reason: held[0]?.reason ?? null,
          until: null,
          locks: held,
          frozen,
          closed: null,
        }
      },
    ],
    [
      'POST',
      '/locks',
      ({ body, user }) => {
        const lock = { id: locks.length + 1, app: null, expires_at: null, ...body, owner: user.name, created_at: now() }
        locks.push(lock)
        return lock
      },
    ],
    [
      'DELETE',
      '/locks/:id',
      ({ id }) =>
        void locks.splice(
          locks.findIndex(lock => lock.id === Number(id)),
          1,
        ),
    ],
    ['GET', '/apps/:app/builds', ({ app }) => page(builds.filter(build => build.app === app))],
    ['GET', '/apps/:app/environments/:env/live', ({ app, env }) => answers(app, env)],
    ['POST', '/apps/:app/environments/:env/live', ({ app, env }) => answers(app, env)],
    [
      'POST',
      '/hosts/scan-keys',
      () =>
        page(
          db.hosts
            .filter(host => host.kind === 'ssh')
            .map((host, index) => ({
              host: host.name,
              fingerprint: index === 2 ? null : `SHA256:${'k3yQ'.repeat(10)}${index}`,
              status: ['new', 'same', 'failed', 'changed'][index % 4],
              detail: index === 2 ? `${host.name} can't be reached: connection refused` : '',
            })),
        ),
    ],
    ['POST', '/hosts/accept-keys', () => undefined],
    [
      'POST',
      '/hosts/import-known-hosts',
      () => ({
        pinned: ['web-3'],
        conflicts: ['web-1'],
        missing: ['db-1'],
        unknown: 12,
        unreadable: 1,
      }),
    ],
    [
      'POST',
      '/hosts/:name/install-key',
      () => ({ ok: true, code: 'ok', detail: 'davit can log in', fingerprint: null, at: now() }),
    ],
  ]
}
