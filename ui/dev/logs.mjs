// Logs by windows, search in them, and a deployment beside an earlier one.

export function logRoutes({ db, deployment, summary, Problem }) {
  return [
    ['GET', '/deployments/:id/logs/window', ({ id, query }) => window(deployment(id), query)],
    ['GET', '/deployments/:id/logs/search', ({ id, query }) => search(deployment(id), query)],
    ['GET', '/deployments/:id/compare', ({ id, query }) => compare(deployment(id), query)],
    ['GET', '/deployments/:id/compare/lines', ({ id, query }) => part(deployment(id), query)],
  ]

  function earlier(item, query) {
    const before = db.deployments.filter(
      each => each.id < item.id && each.app === item.app && each.environment === item.environment,
    )
    const wanted = Number(query.get('with'))
    const found = wanted ? before.find(each => each.id === wanted) : before.toSorted((a, b) => b.id - a.id)[0]
    if (!found) throw new Problem(404, 'not_found', `There is no deployment before ${item.id}.`)
    return found
  }

  function compare(item, query) {
    const before = earlier(item, query)
    const cellOf = (of, { host, step }) => of.cells.find(cell => cell.host === host && cell.step === step)
    const pair = cell => ({
      host: cell.host,
      step: cell.step,
      before: outcome(cellOf(before, cell)),
      now: outcome(cellOf(item, cell)),
    })
    const rest = before.cells.filter(cell => !cellOf(item, cell))
    return { with: summary(before), cells: [...item.cells, ...rest].map(pair) }
  }

  function part(item, query) {
    const sides = [earlier(item, query), item].map(each => among(each, query))
    const same = sides[1].findIndex((line, index) => line.text !== sides[0][index]?.text)
    const from = same < 0 ? sides[1].length : same
    const [before, now] = sides.map(lines => lines.slice(from, from + 5))
    return { differs: before.length + now.length > 0, truncated: false, same: from, before, now }
  }
}

function among(item, query) {
  const [host, step] = [query.get('host'), query.get('step')]
  return item.log.filter(
    line => (host === null || (line.host ?? '-') === host) && (step === null || line.step === Number(step)),
  )
}

function window(item, query) {
  const lines = among(item, query)
  const line = query.get('line')
  const after = lines.findIndex(each => each.seq >= Number(line))
  const first = line === null ? Number(query.get('place') ?? 0) : after < 0 ? lines.length : after
  const items = lines.slice(first, first + Number(query.get('limit') ?? 1000))
  return { first, total: lines.length, last_seq: item.log.at(-1)?.seq ?? 0, items }
}

function search(item, query) {
  const text = (query.get('q') ?? '').toLowerCase()
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with a control character
  const plain = line => line.text.replace(/\u001b\[[\d;]*m/g, '').toLowerCase()
  const lines = among(item, query)
    .filter(line => plain(line).includes(text))
    .map(line => line.seq)
  return { total: lines.length, before: 0, lines, last_seq: item.log.at(-1)?.seq ?? 0 }
}

function outcome(cell) {
  if (!cell) return null
  const took = cell.finished_at ? Date.parse(cell.finished_at) - Date.parse(cell.started_at) : null
  return { state: cell.state, took }
}
