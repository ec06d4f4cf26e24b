// People, groups, and what they may do where.
import type { Timestamp } from './common'
import type { GrantedRole, Role } from './session'

export interface UserSummary {
  id: number
  name: string
  display_name: string | null
  email: string | null
  /** What they may do everywhere; 'none': only what grants say. */
  role: Role | 'none'
  /** `local`, or the identity provider the account came from. */
  source: string
  disabled: boolean
  locked_until: Timestamp | null
  two_factor: boolean
  groups: string[]
  last_seen_at: Timestamp | null
  created_at: Timestamp | null
}

export interface UserDetail extends UserSummary {
  grants: Grant[]
  identities: Identity[]
  tokens: ApiToken[]
}

export interface NewUser {
  name: string
  role: Role | 'none'
  password?: string
  display_name?: string
  email?: string
  /** An account that was deleted had the name: history will show both as one. */
  reuse_name?: boolean
}

export interface UserChange {
  role?: Role | 'none'
  display_name?: string
  email?: string
  disabled?: boolean
}

export interface Group {
  name: string
  description: string
  members: GroupMember[]
  grants: Grant[]
}

export interface GroupSummary {
  name: string
  description: string
  /** How many belong to it. */
  members: number
}

export interface GroupMember {
  user: string
  /** `local`, or the identity provider that put them here. */
  source: string
}

/** A role somewhere: for a person or for everybody in a group. */
export interface Grant extends GrantedRole {
  id: number
  user: string | null
  group: string | null
}

export interface NewGrant extends GrantedRole {
  user?: string
  group?: string
}

/** An account elsewhere that belongs to this person. */
export interface Identity {
  id: number
  /** `oidc:ID`, `ldap:ID`, `forge:ID` or `chat:CHANNEL`. */
  provider: string
  subject: string
  label: string
  created_at: Timestamp
}

export interface ApiToken {
  id: number
  name: string
  /** The most it may do, whatever its owner may. */
  role: Role | null
  scopes: string[] | null
  created_at: Timestamp
  expires_at: Timestamp | null
  last_used_at: Timestamp | null
}

export interface NewToken {
  name: string
  role?: Role
  scopes?: string[]
  expires_in_days?: number
}

/** A login that lasts, of oneself or of somebody else. */
export interface LoginSession {
  id: number
  created_at: Timestamp
  last_seen_at: Timestamp
  ip: string | null
  user_agent: string | null
  /** `password`, `oidc:ID` or `ldap:ID`. */
  how: string
  current: boolean
}

export interface SecondFactorStart {
  secret: string
  otpauth_url: string
  qr_svg: string
}

export interface SecondFactorState {
  enabled: boolean
  recovery_codes_left: number
}

/** What shows that one is the owner of the account: either of them. */
export interface Ownership {
  password?: string
  code?: string
}

export interface LoginProvider {
  id: string
  kind: 'oidc' | 'ldap'
  name: string
}

export interface LoginProviders {
  items: LoginProvider[]
  password: boolean
}
