// People, groups, and what they may do where.
import type { Schemas } from './schemas'

/** What somebody may do everywhere; 'none': only what grants say. */
export type RoleOrNone = Schemas['RoleOrNone']

export type UserSummary = Schemas['UserView']
export type UserDetail = Schemas['UserDetail']
export type NewUser = Schemas['NewUser']
export type UserChange = Schemas['UserBody']

export type Group = Schemas['GroupDetail']
export type GroupSummary = Schemas['GroupView']
export type GroupMember = Schemas['MemberView']

/** A role somewhere: for a person or for everybody in a group. */
export type Grant = Schemas['GrantView']
export type NewGrant = Schemas['NewGrant']

/** An account elsewhere that belongs to this person. */
export type Identity = Schemas['IdentityView']
export type ApiToken = Schemas['TokenView']
export type NewToken = Schemas['NewToken']
/** A login that lasts, of oneself or of somebody else. */
export type LoginSession = Schemas['LoginSession']

export type SecondFactorStart = Schemas['NewSecondFactor']
export type SecondFactorState = Schemas['SecondFactor']
/** What shows that one is the owner of the account: either of them. */
export type Ownership = Schemas['Ownership']

export type ProviderKind = Schemas['ProviderKind']
export type LoginProvider = Schemas['ProviderView']
export type LoginProviders = Schemas['Providers']
