// The calls of one's own account, and those about people, groups and what they may do.
import { call, path } from '../client'
import type {
  ApiToken,
  Grant,
  Group,
  GroupSummary,
  Identity,
  LoginProviders,
  LoginSession,
  NewGrant,
  NewToken,
  NewUser,
  Ownership,
  Page,
  SecondFactorStart,
  SecondFactorState,
  Session,
  UserChange,
  UserDetail,
  UserSummary,
} from '../types'

export const peopleCalls = {
  loginProviders: () => call<LoginProviders>('GET', '/auth/providers'),
  logIn: (body: { name: string; password: string; code?: string }) => call<Session>('POST', '/session', { body }),

  saveProfile: (body: { display_name?: string; email?: string }) => call<void>('PATCH', '/session/profile', { body }),
  changePassword: (body: { old: string; new: string }) => call<void>('POST', '/session/password', { body }),
  startSecondFactor: () => call<SecondFactorStart>('POST', '/session/second-factor', { body: {} }),
  confirmSecondFactor: (code: string) =>
    call<{ recovery_codes: string[] }>('POST', '/session/second-factor/confirm', { body: { code } }),
  secondFactor: () => call<SecondFactorState>('GET', '/session/second-factor'),
  renewRecoveryCodes: (proof: Ownership) =>
    call<{ recovery_codes: string[] }>('POST', '/session/second-factor/recovery-codes', { body: proof }),
  removeSecondFactor: (proof: Ownership) => call<void>('DELETE', '/session/second-factor', { body: proof }),
  mySessions: () => call<Page<LoginSession>>('GET', '/session/list'),
  endMySession: (id: number) => call<void>('DELETE', path('session', 'list', id)),
  endMyOtherSessions: () => call<void>('DELETE', '/session/list'),
  myIdentities: () => call<Page<Identity>>('GET', '/session/identities'),
  linkCode: (provider: string) =>
    call<{ code: string; expires_at: string }>('POST', '/session/identities/link-code', { body: { provider } }),
  unlinkIdentity: (id: number) => call<void>('DELETE', path('session', 'identities', id)),

  myTokens: () => call<Page<ApiToken>>('GET', '/tokens'),
  makeToken: (body: NewToken) => call<{ id: number; token: string }>('POST', '/tokens', { body }),
  revokeToken: (id: number) => call<void>('DELETE', path('tokens', id)),

  users: () => call<Page<UserSummary>>('GET', '/users'),
  user: (name: string) => call<UserDetail>('GET', path('users', name)),
  addUser: (body: NewUser) => call<UserSummary>('POST', '/users', { body }),
  changeUser: (name: string, body: UserChange) => call<UserSummary>('PATCH', path('users', name), { body }),
  removeUser: (name: string) => call<void>('DELETE', path('users', name)),
  setUserPassword: (name: string, password: string) =>
    call<void>('POST', `${path('users', name)}/password`, { body: { password } }),
  unlockUser: (name: string) => call<void>('POST', `${path('users', name)}/unlock`, { body: {} }),
  removeUserSecondFactor: (name: string) => call<void>('DELETE', `${path('users', name)}/second-factor`),
  userSessions: (name: string) => call<Page<LoginSession>>('GET', `${path('users', name)}/sessions`),
  endUserSessions: (name: string) => call<void>('DELETE', `${path('users', name)}/sessions`),
  linkUser: (name: string, body: { provider: string; subject: string }) =>
    call<void>('PUT', `${path('users', name)}/identities`, { body }),
  unlinkUser: (name: string, id: number) => call<void>('DELETE', path('users', name, 'identities', id)),

  groups: () => call<Page<GroupSummary>>('GET', '/groups'),
  group: (name: string) => call<Group>('GET', path('groups', name)),
  addGroup: (body: { name: string; description: string }) => call<GroupSummary>('POST', '/groups', { body }),
  changeGroup: (name: string, body: { description: string }) =>
    call<GroupSummary>('PATCH', path('groups', name), { body }),
  removeGroup: (name: string) => call<void>('DELETE', path('groups', name)),
  addMember: (group: string, user: string) => call<void>('PUT', path('groups', group, 'members', user)),
  removeMember: (group: string, user: string) => call<void>('DELETE', path('groups', group, 'members', user)),

  grants: () => call<Page<Grant>>('GET', '/grants'),
  addGrant: (body: NewGrant) => call<Grant>('POST', '/grants', { body }),
  removeGrant: (id: number) => call<void>('DELETE', path('grants', id)),
}
