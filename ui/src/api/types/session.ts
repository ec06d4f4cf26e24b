// Who is signed in, what they may do where, and the set-up before anybody can be.

export const ROLES = ['viewer', 'developer', 'reviewer', 'releaser', 'operator', 'admin'] as const
/** A ladder: each role may do what the ones before it may. */
export type Role = (typeof ROLES)[number]

export interface SetupState {
  needed: boolean
}

/** A role in one place: `all`, `environment:K`, `app:K`, `app:K@ENV` or `label:L`. */
export interface GrantedRole {
  role: Role
  scope: string
}

export interface User {
  id: number
  name: string
  display_name: string | null
  email: string | null
  /** What they may do everywhere; null: only what grants say. */
  role: Role | null
  groups: string[]
  /** Their own and those of their groups. */
  grants: GrantedRole[]
  two_factor: boolean
  /** `local`, or the identity provider the account came from. */
  source: string
}

export interface Session {
  user: User
  version: string
  public_url: string
}
