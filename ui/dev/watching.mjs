// Values, channels, the feed and terminals of the mock server. A terminal here is a socket that echoes.
import { createHash } from 'node:crypto'
import { ago } from './clock.mjs'

const value = (key, kind, text, from, overrides = false) => ({
  key,
  kind,
  value: kind === 'secret' ? null : text,
  from,
  overrides,
  updated_by: 'admin',
  updated_at: ago(30),
})

const CHANNELS = [
  {
    id: 'releases',
    kind: 'slack',
    language: 'en',
    events: null,
    environments: ['production'],
    apps: null,
    commands: false,
    last: { at: ago(3), ok: true, detail: '' },
    waiting: 0,
    dead: 0,
  },
  {
    id: 'ops-dingtalk',
    kind: 'dingtalk',
    language: 'zh',
    events: ['failed', 'rolled_back', 'host_down'],
    environments: null,
    commands: false,
    apps: ['shop'],
    last: { at: ago(20), ok: false, detail: 'DingTalk answered 310000: sign not match.' },
    waiting: 2,
    dead: 1,
  },
  {
    id: 'mail',
    kind: 'email',
    language: 'en',
    events: ['review_requested'],
    environments: null,
    apps: null,
    commands: false,
    last: null,
    waiting: 0,
    dead: 0,
  },
]

const FEED = [
  ['admin', '10.1.4.22', 'grant_added', 'bo', { before: null, after: { role: 'releaser', scope: 'app:shop@staging' } }],
  [
    'admin',
    '10.1.4.22',
    'user_changed',
    'bo',
    { before: { role: 'developer', disabled: false }, after: { role: 'none', disabled: false } },
  ],
  ['li.wei', 'token:laptop@10.1.4.30', 'request_approved', 'request 12', { reason: 'Looks good', app: 'shop' }],
  ['davit', null, 'deployment_ended', 'deployment 41', { state: 'succeeded', hosts: ['web-1', 'web-2'] }],
  ['somebody', '203.0.113.9', 'login_failed', 'admin', {}],
  ['admin', 'chat:releases', 'request_released', 'request 12', {}],
].map(([actor, origin, action, subject, detail], i) => ({
  id: 90 - i,
  position: i > 0 ? 90 - i : null,
  at: ago(i * 7 + 0.01),
  actor,
  origin,
  action,
  subject,
  app: subject.startsWith('request') ? 'shop' : null,
  environment: subject.startsWith('request') ? 'production' : null,
  detail,
  sealed: i > 0,
}))

const CAST = [
  '{"version": 2, "width": 80, "height": 20, "timestamp": 1763700000}',
  '[0.4, "o", "\\u001b[32mdeploy@web-1\\u001b[0m:~$ "]',
  '[1.2, "o", "uptime\\r\\n 12:41:07 up 92 days,  3:18,  1 user,  load average: 0.08, 0.12, 0.09\\r\\n"]',
  '[1.3, "o", "\\u001b[32mdeploy@web-1\\u001b[0m:~$ "]',
  '[9.0, "o", "echo 你好\\r\\n你好\\r\\n\\u001b[32mdeploy@web-1\\u001b[0m:~$ "]',
  '[12.5, "o", "exit\\r\\n"]',
  '',
].join('\n')

export function watchingRoutes({ page, find, sendText, now }) {
  const values = new Map([
    ['', [value('NODE_ENV', 'plain', 'production', 'global'), value('SMTP_PASSWORD', 'secret', '', 'global')]],
  ])
  const revisions = new Map()
  const terminals = [
    {
      id: 1,
      host: 'web-1',
      user: 'admin',
      state: 'closed',
      opened_at: ago(30),
      closed_at: ago(29.9),
      reason: 'exited',
      ended_by: null,
      exit_code: 0,
      origin: '10.1.4.22',
      bytes: 4182,
      recorded: true,
      mine: true,
      may_end: true,
      may_play: true,
    },
    {
      id: 2,
      host: 'db-1',
      user: 'li.wei',
      state: 'closed',
      opened_at: ago(80),
      closed_at: ago(79),
      reason: 'idle',
      ended_by: null,
      exit_code: null,
      origin: null,
      bytes: 148211,
      recorded: true,
      mine: false,
      may_end: true,
      may_play: true,
    },
  ]
  const keyOf = (app, environment) => [app, environment].filter(Boolean).join('@')
  const levelOf = (app, environment) => (environment ? 'environment' : app ? 'app' : 'global')

  function valuesOf(app, environment) {
    const chain = [['', ''], ...(app ? [[app, '']] : []), ...(environment ? [[app, environment]] : [])]
    const items = new Map()
    for (const place of chain) {
      for (const item of values.get(keyOf(...place)) ?? [])
        items.set(item.key, { ...item, overrides: items.has(item.key) })
    }
    return {
      scope: levelOf(app, environment),
      revision: (revisions.get(keyOf(app, environment)) ?? []).length,
      may: { plain: true, reference: true },
      items: [...items.values()].sort((a, b) => a.key.localeCompare(b.key)),
    }
  }

  function saveValues({ app = '', environment = '', set, remove }) {
    const key = keyOf(app, environment)
    const own = (values.get(key) ?? []).filter(item => !remove.includes(item.key) && !(item.key in set))
    const before = new Map((values.get(key) ?? []).map(item => [item.key, item]))
    const fresh = Object.entries(set).map(([name, { kind, value: text }]) =>
      value(name, kind, text, levelOf(app, environment)),
    )
    values.set(key, [...own, ...fresh])
    const changes = [
      ...fresh.map(item => change(item.key, before.get(item.key), item)),
      ...remove.map(name => change(name, before.get(name))),
    ]
    const list = revisions.get(key) ?? []
    revisions.set(key, [{ revision: list.length + 1, by: 'admin', at: now(), changes }, ...list])
    return valuesOf(app, environment)
  }

  const change = (key, before, after) => ({
    key,
    change: after ? (before ? 'changed' : 'set') : 'removed',
    kind: (after ?? before).kind,
    before: before?.value ?? null,
    after: after?.value ?? null,
  })
  const place = query => [query.get('app') ?? '', query.get('environment') ?? '']

  const routes = [
    ['GET', '/values', ({ query }) => valuesOf(...place(query))],
    ['PUT', '/values', ({ body }) => saveValues(body)],
    ['GET', '/values/history', ({ query }) => page(revisions.get(keyOf(...place(query))) ?? [])],
    [
      'GET',
      '/values/diff',
      ({ query }) => {
        const list = revisions.get(keyOf(...place(query))) ?? []
        const [from, to] = [Number(query.get('from')), Number(query.get('to'))]
        return {
          from,
          to,
          changes: list.filter(item => item.revision > from && item.revision <= to).flatMap(item => item.changes),
        }
      },
    ],
    ['POST', '/values/restore', ({ body }) => ({ revision: body.revision + 1, kept: [] })],
    ['GET', '/channels', () => page(CHANNELS)],
    [
      'POST',
      '/channels/:id/test',
      ({ id }) =>
        id === 'ops-dingtalk'
          ? { ok: false, detail: 'DingTalk answered 310000: sign not match. Compare the secret.' }
          : { ok: true, detail: 'Slack took it.' },
    ],
    [
      'GET',
      '/channels/:id/preview',
      ({ query }) => ({
        text: `**Shop → Production** ${query.get('event')}\n\n7f3c2d1 Fix the basket, asked by Ana Lima\n\nhttps://davit.example.com/requests/12`,
      }),
    ],
    [
      'GET',
      '/feed',
      ({ query }) => ({
        items: FEED.filter(
          item =>
            ['actor', 'action', 'app', 'environment'].every(
              name => !query.get(name) || item[name] === query.get(name),
            ) && JSON.stringify(item).includes(query.get('q') ?? ''),
        ),
        next: null,
      }),
    ],
    ['GET', '/feed/actions', () => page([...new Set(FEED.map(item => item.action))])],
    ['GET', '/feed/export', ({ response }) => sendText(response, JSON.stringify(FEED))],
    [
      'GET',
      '/terminals',
      ({ query }) =>
        page(
          terminals.filter(item => ['host', 'user'].every(name => !query.get(name) || item[name] === query.get(name))),
        ),
    ],
    ['GET', '/terminals/:id', ({ id }) => find(terminals, item => item.id === Number(id), `terminal ${id}`)],
    ['GET', '/terminals/:id/recording', ({ response }) => sendText(response, CAST)],
    [
      'POST',
      '/hosts/:name/terminals',
      ({ name }) => {
        const id = terminals.length + 1
        terminals.unshift({
          ...terminals[0],
          id,
          host: name,
          state: 'open',
          opened_at: now(),
          closed_at: null,
          reason: null,
          bytes: 0,
        })
        return { id }
      },
    ],
    [
      'DELETE',
      '/terminals/:id',
      ({ id }) =>
        void Object.assign(
          find(terminals, item => item.id === Number(id), 'terminal'),
          { state: 'closed', closed_at: now(), reason: 'ended' },
        ),
    ],
  ]
  return routes
}

/** Answers the upgrade of a terminal's socket: what is typed comes back, Ctrl-D ends it. */
export function echoTerminal(request, socket) {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64')
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  )
  const send = (opcode, text) => {
    const data = Buffer.from(text)
    const head =
      data.length < 126 ? [0x80 | opcode, data.length] : [0x80 | opcode, 126, data.length >> 8, data.length & 255]
    socket.write(Buffer.concat([Buffer.from(head), data]))
  }
  send(1, JSON.stringify({ type: 'ready' }))
  send(2, 'A stand-in for a shell: it echoes.\r\n$ ')
  socket.on('error', () => socket.destroy())
  socket.on('data', frame => {
    if ((frame[0] & 15) === 8) return socket.end()
    if ((frame[0] & 15) !== 2) return
    const long = (frame[1] & 127) === 126
    const mask = frame.subarray(long ? 4 : 2, long ? 8 : 6)
    const text = Buffer.from(frame.subarray(long ? 8 : 6).map((byte, i) => byte ^ mask[i % 4])).toString()
    if (text === '\u0004') send(1, JSON.stringify({ type: 'exit', code: 0, reason: 'exited' }))
    else send(2, text.replaceAll('\r', '\r\n$ '))
  })
}
