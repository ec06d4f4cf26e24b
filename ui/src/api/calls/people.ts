// The calls of one's own account, and those about people, groups and what they may do.
import { call } from '../client'
import type { NewGrant, NewToken, NewUser, Ownership, UserChange } from '../types'

export const peopleCalls = {
  loginProviders: () => call('GET', '/auth/providers'),
  logIn: (body: { name: string; password: string; code?: string }) => call('POST', '/session', { body }),

  saveProfile: (body: { display_name?: string; email?: string }) => call('PATCH', '/session/profile', { body }),
  changePassword: (body: { old: string; new: string }) => call('POST', '/session/password', { body }),
  startSecondFactor: (body: { password?: string }) => call('POST', '/session/second-factor', { body }),
  confirmSecondFactor: (code: string) => call('POST', '/session/second-factor/confirm', { body: { code } }),
  secondFactor: () => call('GET', '/session/second-factor'),
  renewRecoveryCodes: (proof: Ownership) => call('POST', '/session/second-factor/recovery-codes', { body: proof }),
  removeSecondFactor: (proof: Ownership) => call('DELETE', '/session/second-factor', { body: proof }),
  mySessions: () => call('GET', '/session/list'),
  endMySession: (id: number) => call('DELETE', '/session/list/{id}', { path: { id } }),
  endMyOtherSessions: () => call('DELETE', '/session/list'),
  myIdentities: () => call('GET', '/session/identities'),
  linkCode: (provider: string) => call('POST', '/session/identities/link-code', { body: { provider } }),
  unlinkIdentity: (id: number) => call('DELETE', '/session/identities/{id}', { path: { id } }),

  myTokens: () => call('GET', '/tokens'),
  makeToken: (body: NewToken) => call('POST', '/tokens', { body }),
  revokeToken: (id: number) => call('DELETE', '/tokens/{id}', { path: { id } }),

  users: () => call('GET', '/users'),
  user: (name: string) => call('GET', '/users/{name}', { path: { name } }),
  addUser: (body: NewUser) => call('POST', '/users', { body }),
  changeUser: (name: string, body: UserChange) => call('PATCH', '/users/{name}', { path: { name }, body }),
  removeUser: (name: string) => call('DELETE', '/users/{name}', { path: { name } }),
  setUserPassword: (name: string, password: string) =>
    call('POST', '/users/{name}/password', { path: { name }, body: { password } }),
  unlockUser: (name: string) => call('POST', '/users/{name}/unlock', { path: { name } }),
  removeUserSecondFactor: (name: string) => call('DELETE', '/users/{name}/second-factor', { path: { name } }),
  userSessions: (name: string) => call('GET', '/users/{name}/sessions', { path: { name } }),
  endUserSessions: (name: string) => call('DELETE', '/users/{name}/sessions', { path: { name } }),
  linkUser: (name: string, body: { provider: string; subject: string }) =>
    call('PUT', '/users/{name}/identities', { path: { name }, body }),
  unlinkUser: (name: string, id: number) => call('DELETE', '/users/{name}/identities/{id}', { path: { name, id } }),

  groups: () => call('GET', '/groups'),
  group: (name: string) => call('GET', '/groups/{name}', { path: { name } }),
  addGroup: (body: { name: string; description: string }) => call('POST', '/groups', { body }),
  changeGroup: (name: string, body: { description: string }) =>
    call('PATCH', '/groups/{name}', { path: { name }, body }),
  removeGroup: (name: string) => call('DELETE', '/groups/{name}', { path: { name } }),
  addMember: (group: string, user: string) =>
    call('PUT', '/groups/{name}/members/{user}', { path: { name: group, user } }),
  removeMember: (group: string, user: string) =>
    call('DELETE', '/groups/{name}/members/{user}', { path: { name: group, user } }),

  grants: () => call('GET', '/grants'),
  addGrant: (body: NewGrant) => call('POST', '/grants', { body }),
  removeGrant: (id: number) => call('DELETE', '/grants/{id}', { path: { id } }),
}
