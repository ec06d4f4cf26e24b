// Who is signed in, and the set-up before anybody can be.

export const ROLES = ['viewer', 'developer', 'reviewer', 'releaser', 'operator', 'admin'] as const
/** A ladder: each role may do what the ones before it may. */
export type Role = (typeof ROLES)[number]

export interface SetupState {
  needed: boolean
}

export interface User {
  id: number
  name: string
  role: Role
}

export interface Session {
  user: User
  version: string
  public_url: string
}
