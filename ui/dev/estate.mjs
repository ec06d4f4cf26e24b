// Environments, hosts, forges and channels of the mock server as forms. What is put is kept until the server stops.
export function estateRoutes({ db, emit, find, page, Problem }) {
  const forms = new Map()
  const gate = { open: true, reason: null, until: null, locks: [], frozen: null, closed: null }

  function detail(item) {
    const form = forms.get(`environments/${item.key}`) ?? { name: item.name, color: item.color }
    return {
      ...item,
      name: form.name ?? item.key,
      color: form.color ?? null,
      required_approvals: form.review?.required ?? 0,
      self_approval: form.review?.self_approval ?? false,
      branches: form.branches ?? null,
      url: form.url ?? null,
      form,
      gate,
    }
  }

  function put(kind, list, key, { body }) {
    const known =
      forms.get(`${kind}/${key}`) !== undefined || list.some(item => (item.key ?? item.name ?? item.id) === key)
    if (body.base === null && known) throw new Problem(409, 'conflict', `There is one named ${key} already.`)
    if (body.dry_run) return { key, form: body.form }
    forms.set(`${kind}/${key}`, body.form)
    emit('config')
    return { key, form: body.form }
  }

  function putEnvironment({ key, body }) {
    const answer = put('environments', db.environments, key, { body })
    if (!body.dry_run && !db.environments.some(item => item.key === key)) db.environments.push({ key, name: key })
    return answer
  }

  function putHost({ name, body }) {
    const answer = put('hosts', db.hosts, name, { body })
    if (body.dry_run) return answer
    const blank = { kind: 'ssh', port: 22, labels: [], environments: [], jump: [], category: null }
    const host = { ...blank, ...body.form, name, host_key_fingerprint: null, check: null }
    db.hosts = [...db.hosts.filter(item => item.name !== name), host]
    return answer
  }

  function hostForm({ name }) {
    const { kind, address, user, labels, environments } = find(db.hosts, item => item.name === name, `host ${name}`)
    const usual = kind === 'local' ? { kind, labels, environments } : { address, user, labels, environments }
    return { key: name, form: forms.get(`hosts/${name}`) ?? usual, own_secrets: [] }
  }

  return [
    ['GET', '/environments', () => page(db.environments.map(detail))],
    ['PUT', '/environments/:key', putEnvironment],
    ['GET', '/hosts/:name', hostForm],
    ['PUT', '/hosts/:name', putHost],
    [
      'GET',
      '/forges/:id/form',
      ({ id }) => ({ key: id, form: forms.get(`forges/${id}`) ?? { kind: 'github' }, own_secrets: ['github'] }),
    ],
    ['PUT', '/forges/:id', ({ id, body }) => put('forges', db.forges, id, { body })],
    [
      'GET',
      '/channels/:id',
      ({ id }) => ({ key: id, form: forms.get(`channels/${id}`) ?? { kind: 'slack' }, own_secrets: ['ops'] }),
    ],
    ['PUT', '/channels/:id', ({ id, body }) => put('channels', [], id, { body })],
  ]
}
