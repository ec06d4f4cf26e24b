// Release configs of the mock server as forms: saved, checked, compared, restored. It checks no more than pages show.
import { USUAL_CONFIG } from './fixtures.mjs'

const FIELDS = ['deploy_path', 'releases_path', 'keep', 'build_dir', 'filter', 'shared', 'hooks', 'auto']

export function configRoutes({ db, emit, find, appOf, Problem, now }) {
  const configOf = (app, env) => find(appOf(app).configs, item => item.environment === env, 'release config')

  function formOf(config) {
    const fields = FIELDS.filter(name => config[name] !== null && config[name] !== undefined)
    const form = Object.fromEntries(fields.map(name => [name, config[name]]))
    return { ...form, hosts: config.hosts, variables: 'APP_MODE=production\nSENTRY_DSN=https://sentry.example/7\n' }
  }

  const saved = (app, config) => ({
    app,
    environment: config.environment,
    revision: config.revision,
    saved_by: config.saved_by,
    saved_at: config.saved_at,
    form: config.form ?? formOf(config),
  })

  function save({ app, env, body, user }) {
    const problems = problemsOf(body.form)
    if (problems.length)
      throw new Problem(422, 'invalid_config', 'Some fields are not right. Nothing was saved.', problems)
    let config = appOf(app).configs.find(item => item.environment === env)
    if ((config?.revision ?? null) !== body.base_revision)
      throw new Problem(409, 'changed', 'Somebody else saved meanwhile.')
    if (!config) {
      config = {
        ...USUAL_CONFIG,
        environment: env,
        revision: 0,
        mode: 'regular',
        variables: [],
        hooks: {},
        auto: null,
        build_dir: '.',
        keep: 5,
      }
      appOf(app).configs.push(config)
    }
    const shown = Object.fromEntries(FIELDS.map(name => [name, body.form[name] ?? config[name]]))
    const hosts = Array.isArray(body.form.hosts) ? body.form.hosts : []
    Object.assign(config, shown, {
      form: body.form,
      hosts,
      revision: config.revision + 1,
      saved_by: user.name,
      saved_at: now(),
    })
    emit('config')
    return saved(app, config)
  }

  function revisions({ app, env }) {
    const { revision, saved_at: at } = configOf(app, env)
    const items = Array.from({ length: revision }, (_, i) => ({
      revision: revision - i,
      saved_by: ['admin', 'li.wei'][i % 2],
      saved_at: new Date(Date.parse(at) - i * 9e7).toISOString(),
      in_force: i === 0,
    }))
    return { items, next: null }
  }

  function clone({ app, env, body, user }) {
    const form = configOf(app, env).form ?? formOf(configOf(app, env))
    return save({ app: body.to_app ?? app, env: body.to_environment, body: { form, base_revision: null }, user })
  }

  function makeApp({ body }) {
    if (db.apps.some(app => app.key === body.key))
      throw new Problem(409, 'conflict', `There is an app ${body.key} already.`)
    db.apps.push({ ...body, configs: [] })
    emit('config')
    return { key: body.key, form: {}, own_secrets: [] }
  }

  const at = '/apps/:app/configs/:env'
  return [
    ['POST', '/apps', makeApp],
    [
      'PATCH',
      '/apps/:app',
      ({ app, body }) => Object.assign(appOf(app), body) && { key: app, form: {}, own_secrets: [] },
    ],
    ['DELETE', '/apps/:app', ({ app }) => void db.apps.splice(db.apps.indexOf(appOf(app)), 1)],
    ['GET', at, ({ app, env }) => saved(app, configOf(app, env))],
    ['PUT', at, save],
    ['DELETE', at, ({ app, env }) => void appOf(app).configs.splice(appOf(app).configs.indexOf(configOf(app, env)), 1)],
    ['POST', `${at}/clone`, clone],
    ['POST', `${at}/check`, ({ body }) => ({ problems: problemsOf(body.form), checks: checksOf(body.form) })],
    ['POST', `${at}/dry-run`, ({ app, env }) => dryRun(configOf(app, env))],
    ['GET', `${at}/revisions`, revisions],
    [
      'GET',
      `${at}/revisions/diff`,
      ({ query }) => ({
        diff: `@@ -7,3 +7,4 @@\n keep = 5\n-build_dir = "v${query.get('from')}"\n+build_dir = "v${query.get('to')}"\n+hooks.after_release = "systemctl restart shop"\n`,
      }),
    ],
    [
      'POST',
      `${at}/revisions/:n/restore`,
      ({ app, env, user }) =>
        save({
          app,
          env,
          user,
          body: { form: saved(app, configOf(app, env)).form, base_revision: configOf(app, env).revision },
        }),
    ],
  ]
}

function problemsOf(form) {
  const problems = ['deploy_path', 'releases_path']
    .filter(field => !form[field]?.startsWith('/'))
    .map(field => ({ field, message: `\`${field}\` must be an absolute path.` }))
  if (Array.isArray(form.hosts) && form.hosts.length === 0)
    problems.push({ field: 'hosts', message: 'name at least one host' })
  if (form.keep !== undefined && !(form.keep >= 1 && form.keep <= 100))
    problems.push({ field: 'keep', message: 'must be 1 to 100' })
  return problems
}

function checksOf(form) {
  const hosts = Array.isArray(form.hosts) ? form.hosts : []
  return [
    { what: 'git', subject: 'github:acme/shop', ok: true, sentence: 'It answers and has 3 branches.' },
    ...hosts.map((subject, i) => ({
      what: 'host',
      subject,
      ok: i !== 2,
      sentence: i === 2 ? 'Its key has changed: look at it under Hosts.' : 'It can be reached.',
    })),
  ]
}

function dryRun({ hosts }) {
  return {
    commit: '3a26d1c0000000000000000000000000000000aa',
    subject: 'Show delivery date on the order page',
    steps: [
      { step: 1, where: 'server', sentence: 'runs its script' },
      { step: 2, where: 'server', sentence: 'checks out 3a26d1c' },
      { step: 5, where: 'host', sentence: 'sends what changed and switches /var/www/shop' },
    ],
    hosts: hosts.map(name => ({
      name,
      live: '20260131T120000Z-1a2b3c4-12',
      would: 'would switch from 1a2b3c4 to 3a26d1c',
    })),
    files: { count: 2114, bytes: 48_211_000 },
    gates: ['Production is frozen until Monday 06:00: the holidays'],
    values: ['APP_MODE', 'DATABASE_URL'],
  }
}
