// davit.toml as the mock server understands it: enough to show a document, a plan and errors with their lines.

export function exportDocument(db) {
  const forge = item =>
    `[[forge]]\nid = "${item.id}"\nkind = "${item.kind}"\napi_url = "${item.api_url}"\ntoken = { env = "${item.id.toUpperCase()}_TOKEN" }\n`
  const environment = item => `[[environment]]\nkey = "${item.key}"\nname = "${item.name}"\n`
  const host = item =>
    `[[host]]\nname = "${item.name}"\nkind = "${item.kind}"\n${item.address ? `address = "${item.address}"\nuser = "${item.user}"\n` : ''}labels = ${JSON.stringify(item.labels)}\nenvironments = ${JSON.stringify(item.environments)}\n`
  const release = item =>
    `[[app.release]]\nenvironment = "${item.environment}"\nhosts = ${JSON.stringify(item.hosts)}\ndeploy_path = "${item.deploy_path}"\nkeep = ${item.keep}\nhooks.after_checkout = """\n${item.hooks.after_checkout ?? ''}\n"""\n`
  const app = item =>
    `[[app]]\nkey = "${item.key}"\nname = "${item.name}"\nrepository = ${item.repository.url ? `{ url = "${item.repository.url}" }` : `{ forge = "${item.repository.forge}", name = "${item.repository.name}" }`}\n\n${item.configs.map(release).join('\n')}`
  const all = [...db.forges.map(forge), ...db.environments.map(environment), ...db.hosts.map(host), ...db.apps.map(app)]
  return all.length ? `# What davit is told to do. Change it, check it, apply it.\n\n${all.join('\n')}` : ''
}

/** Looks at names only: enough to show a plan and errors. */
export function applyDocument(db, document, values, { prune }) {
  const errors = []
  const declared = []
  let table = null
  document.split('\n').forEach((line, index) => {
    const header = /^\[\[(\w+)(?:\.\w+)?\]\]/.exec(line)
    if (header) table = header[1]
    if (header && !['forge', 'environment', 'host', 'app', 'channel'].includes(header[1])) {
      errors.push({
        line: index + 1,
        column: 3,
        message: `There is no table "${header[1]}". Known: forge, environment, host, app, channel.`,
      })
    }
    const name = /^(?:id|key|name)\s*=\s*"(.+)"/.exec(line)
    if (name && table && !declared.some(item => item.line === table && item.kind === table))
      declared.push({ kind: table, name: name[1], line: index + 1 })
    const port = /^port\s*=\s*"(.*)"/.exec(line)
    if (port)
      errors.push({
        line: index + 1,
        column: 8,
        message: `port must be a number from 1 to 65535, not the text "${port[1]}". Remove the quotes.`,
      })
    const host = /^hosts\s*=\s*\[(.*)\]/.exec(line)
    for (const [, wanted] of host?.[1].matchAll(/"([^"]+)"/g) ?? []) {
      if (!document.includes(`name = "${wanted}"`))
        errors.push({
          line: index + 1,
          column: 9,
          message: `No [[host]] is named "${wanted}". Declare it or remove it here.`,
        })
    }
    if (name) table = null
  })
  const known = {
    forge: db.forges.map(f => f.id),
    environment: db.environments.map(e => e.key),
    host: db.hosts.map(h => h.name),
    app: db.apps.map(a => a.key),
    channel: [],
  }
  const plan = declared.map(({ kind, name }) => ({
    action: known[kind].includes(name) ? (name === 'production' ? 'update' : 'unchanged') : 'create',
    kind,
    name,
    changes: name === 'production' ? ['review.required: 0 → 1'] : [],
  }))
  if (prune) {
    for (const [kind, names] of Object.entries(known)) {
      for (const name of names)
        if (!declared.some(item => item.kind === kind && item.name === name))
          plan.push({ action: 'delete', kind, name, changes: [] })
    }
  }
  for (const key of Object.keys(values))
    if (values[key]) plan.push({ action: 'update', kind: 'forge', name: key, changes: ['value set'] })
  return { errors, plan }
}
