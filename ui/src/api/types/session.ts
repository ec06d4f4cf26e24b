// Who is signed in, what they may do where, and the set-up before anybody can be.
import type { Schemas } from './schemas'

export const ROLES = ['viewer', 'developer', 'reviewer', 'releaser', 'operator', 'admin'] as const
/** A ladder: each role may do what the ones before it may. */
export type Role = (typeof ROLES)[number]

export type SetupState = Schemas['SetUp']
/** A role in one place: `all`, `environment:K`, `app:K`, `app:K@ENV` or `label:L`. */
export type GrantedRole = Schemas['HeldGrant']
export type User = Schemas['SessionUser']
export type Session = Schemas['Session']
