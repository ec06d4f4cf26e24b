// Accounts, groups, grants, tokens and sessions of the mock server. It gives everybody what they ask for.
import { ago, soon } from './clock.mjs'

const DAY = 24

export function people() {
  const user = (id, name, role, more) => ({
    id,
    name,
    display_name: null,
    email: null,
    role,
    source: 'local',
    disabled: false,
    locked_until: null,
    two_factor: false,
    last_seen_at: ago(id * 3),
    created_at: ago(90 * DAY),
    ...more,
  })
  const granted = grant => ({ ...grant, created_by: 'admin', created_at: ago(60 * DAY) })
  return {
    users: [
      user(1, 'admin', 'admin', { display_name: 'Ana Lima', email: 'ana@example.com' }),
      user(2, 'li.wei', 'viewer', {
        display_name: '李伟',
        email: 'li.wei@example.com',
        source: 'oidc:sso',
        two_factor: true,
      }),
      user(3, 'bo', 'none', { display_name: 'Bo Andersen', locked_until: soon(9) }),
      user(4, 'ci', 'developer', { last_seen_at: null, disabled: true }),
    ],
    groups: [
      { name: 'leads', description: 'Approve what goes to production', created_at: ago(80 * DAY) },
      { name: 'oncall', description: '', created_at: ago(70 * DAY) },
    ],
    members: [
      { group: 'leads', user: 'admin', source: 'local' },
      { group: 'leads', user: 'li.wei', source: 'oidc:sso' },
      { group: 'oncall', user: 'bo', source: 'local' },
    ],
    grants: [
      granted({ id: 1, user: null, group: 'leads', role: 'reviewer', scope: 'environment:production' }),
      granted({ id: 2, user: 'bo', group: null, role: 'developer', scope: 'app:shop' }),
      granted({ id: 3, user: 'bo', group: null, role: 'releaser', scope: 'app:shop@staging' }),
      granted({ id: 4, user: null, group: 'oncall', role: 'operator', scope: 'label:web' }),
    ],
    tokens: [
      {
        id: 1,
        owner: 'admin',
        name: 'laptop',
        role: null,
        scopes: null,
        created_at: ago(40 * DAY),
        expires_at: null,
        last_used_at: ago(2),
      },
      {
        id: 2,
        owner: 'admin',
        name: 'nightly deploys',
        role: 'releaser',
        scopes: ['app:shop@staging', 'environment:staging'],
        created_at: ago(9 * DAY),
        expires_at: soon(60 * 24 * 80),
        last_used_at: null,
      },
    ],
    identities: [
      {
        id: 1,
        owner: 'admin',
        provider: 'forge:github',
        subject: '583231',
        label: 'ana-lima',
        created_at: ago(30 * DAY),
      },
      { id: 2, owner: 'admin', provider: 'chat:releases', subject: 'U02AB', label: 'Ana', created_at: ago(12 * DAY) },
    ],
    sessions: [
      {
        id: 1,
        created_at: ago(2),
        last_seen_at: ago(0),
        expires_at: soon(60 * 24 * 30),
        ip: '10.1.4.22',
        user_agent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
        how: 'password',
        current: true,
      },
      {
        id: 2,
        created_at: ago(50),
        last_seen_at: ago(7),
        expires_at: soon(60 * 24 * 23),
        ip: '2001:db8::7',
        user_agent:
          'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 Version/18.5 Mobile/15E148 Safari/604.1',
        how: 'oidc:sso',
        current: false,
      },
    ],
  }
}

export function peopleRoutes({ page, find, Problem, now }) {
  const store = people()
  const next = list => Math.max(0, ...list.map(item => item.id)) + 1
  const groupsOf = name => store.members.filter(item => item.user === name).map(item => item.group)
  const listed = user => ({ ...user, groups: groupsOf(user.name) })
  const userOf = name => find(store.users, item => item.name === name, `user ${name}`)
  const owned = (list, name) => list.filter(item => item.owner === name).map(item => without('owner', item))
  const remove = (name, test) => {
    store[name] = store[name].filter(item => !test(item))
  }
  const detail = name => ({
    ...listed(userOf(name)),
    grants: store.grants.filter(item => item.user === name || groupsOf(name).includes(item.group)),
    identities: owned(store.identities, name),
    tokens: owned(store.tokens, name),
  })
  const group = name => ({
    ...find(store.groups, item => item.name === name, `group ${name}`),
    members: store.members.filter(item => item.group === name).map(({ user, source }) => ({ user, source })),
    grants: store.grants.filter(item => item.group === name),
  })
  const add = (list, item) => {
    list.push(item)
    return item
  }
  const me = session => {
    const { role, ...user } = listed(store.users.find(item => item.name === session.name) ?? store.users[0])
    const grants = detail(user.name).grants.map(({ role: granted, scope }) => ({ role: granted, scope }))
    return { ...user, role: role === 'none' ? null : role, grants }
  }

  const routes = [
    [
      'GET',
      '/auth/providers',
      () => ({
        password: true,
        items: [
          { id: 'sso', kind: 'oidc', name: 'Acme SSO' },
          { id: 'directory', kind: 'ldap', name: 'Directory' },
        ],
      }),
      'open',
    ],
    ['PATCH', '/session/profile', ({ body, user }) => void Object.assign(userOf(user.name), body)],
    [
      'POST',
      '/session/password',
      ({ body }) => {
        if (body.old !== 'correct-horse-battery')
          throw new Problem(403, 'denied', 'The password until now is not right.')
      },
    ],
    [
      'POST',
      '/session/second-factor',
      () => ({ secret: 'JBSWY3DPEHPK3PXP', otpauth_url: 'otpauth://totp/davit', qr_svg: QR }),
    ],
    [
      'POST',
      '/session/second-factor/confirm',
      ({ user }) => {
        userOf(user.name).two_factor = true
        return { recovery_codes: Array.from({ length: 10 }, (_, i) => `${i}7f3-q${i}mk-2x${i}d`) }
      },
    ],
    ['GET', '/session/second-factor', () => ({ enabled: true, recovery_codes_left: 9, asks_password: true })],
    [
      'DELETE',
      '/session/second-factor',
      ({ user }) => {
        userOf(user.name).two_factor = false
      },
    ],
    ['GET', '/session/list', () => page(store.sessions)],
    ['DELETE', '/session/list', () => remove('sessions', item => !item.current)],
    ['DELETE', '/session/list/:id', ({ id }) => remove('sessions', item => item.id === id)],
    ['GET', '/session/identities', ({ user }) => page(owned(store.identities, user.name))],
    ['POST', '/session/identities/link-code', () => ({ code: 'K7QM-2XPD', expires_at: soon(10) })],
    ['DELETE', '/session/identities/:id', ({ id }) => remove('identities', item => item.id === Number(id))],
    ['GET', '/tokens', ({ user }) => page(owned(store.tokens, user.name))],
    [
      'POST',
      '/tokens',
      ({ body, user }) => {
        const id = next(store.tokens)
        const expires_at = body.expires_in_days ? soon(body.expires_in_days * 24 * 60) : null
        add(store.tokens, {
          id,
          owner: user.name,
          name: body.name,
          role: body.role ?? null,
          scopes: body.scopes ?? null,
          created_at: now(),
          expires_at,
          last_used_at: null,
        })
        return { id, token: 'davit_4c1f0f6de1b54d1fb7f3a6a1a2f0c9d8' }
      },
    ],
    ['DELETE', '/tokens/:id', ({ id }) => remove('tokens', item => item.id === Number(id))],
    ['GET', '/users', () => page(store.users.map(listed))],
    [
      'POST',
      '/users',
      ({ body }) =>
        add(store.users, {
          ...store.users[3],
          disabled: false,
          created_at: now(),
          ...without('password', body),
          id: next(store.users),
        }),
    ],
    ['GET', '/users/:name', ({ name }) => detail(name)],
    ['PATCH', '/users/:name', ({ name, body }) => Object.assign(userOf(name), body)],
    [
      'DELETE',
      '/users/:name',
      ({ name }) => {
        if (userOf(name).role === 'admin')
          throw new Problem(
            409,
            'conflict',
            `${name} is the only administrator who can log in. Make another one first.`,
          )
        remove('users', item => item.name === name)
      },
    ],
    ['POST', '/users/:name/password', () => undefined],
    ['POST', '/users/:name/unlock', ({ name }) => void Object.assign(userOf(name), { locked_until: null })],
    ['DELETE', '/users/:name/second-factor', ({ name }) => void Object.assign(userOf(name), { two_factor: false })],
    ['GET', '/users/:name/sessions', ({ name }) => page(name === 'admin' ? store.sessions : [])],
    ['DELETE', '/users/:name/sessions', () => undefined],
    ['GET', '/groups', () => page(store.groups.map(item => ({ ...item, members: group(item.name).members.length })))],
    ['POST', '/groups', ({ body }) => add(store.groups, body)],
    ['GET', '/groups/:name', ({ name }) => group(name)],
    ['DELETE', '/groups/:name', ({ name }) => remove('groups', item => item.name === name)],
    [
      'PUT',
      '/groups/:name/members/:member',
      ({ name, member }) => void add(store.members, { group: name, user: member, source: 'local' }),
    ],
    [
      'DELETE',
      '/groups/:name/members/:member',
      ({ name, member }) => remove('members', item => item.group === name && item.user === member),
    ],
    ['GET', '/grants', () => page(store.grants)],
    ['POST', '/grants', ({ body }) => add(store.grants, { id: next(store.grants), user: null, group: null, ...body })],
    ['DELETE', '/grants/:id', ({ id }) => remove('grants', item => item.id === Number(id))],
  ]
  return { routes, me }
}

/** A copy without one of its fields. */
const without = (name, item) => Object.fromEntries(Object.entries(item).filter(([key]) => key !== name))

const QR = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 29 29" shape-rendering="crispEdges">${Array.from({ length: 400 }, (_, i) => `<rect x="${4 + ((i * 7) % 21)}" y="${4 + ((i * i * 3) % 21)}" width="1" height="1"/>`).join('')}</svg>`
