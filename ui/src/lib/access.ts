// What the signed-in person may do where. The server decides (crates/domain/src/access.rs has the same table); this
// only keeps buttons honest.
import { computed } from 'vue'
import { useSession } from '@/api/queries'
import { type GrantedRole, ROLES, type Role } from '@/api/types'

/** The lowest role that may do each thing. */
export const LEAST_ROLE = {
  see: 'viewer',
  ask: 'developer',
  uploadBuild: 'developer',
  runWorkflow: 'developer',
  review: 'reviewer',
  approveRun: 'reviewer',
  merge: 'reviewer',
  release: 'releaser',
  lockEnvironment: 'operator',
  overrideGates: 'operator',
  manageHosts: 'operator',
  replayDelivery: 'operator',
  manageCaches: 'operator',
  manageForges: 'operator',
  openTerminal: 'operator',
  manageValues: 'operator',
  readFeed: 'viewer',
  exportFeed: 'operator',
  manageUsers: 'admin',
  manageChannels: 'admin',
  configure: 'admin',
} as const satisfies Record<string, Role>

export type Action = keyof typeof LEAST_ROLE

/** Where something is done: nothing named is everywhere. */
export interface Place {
  app?: string
  environment?: string
  /** Of a host: what it is labelled with, and the environments it serves. */
  labels?: string[]
  environments?: string[]
}

export interface Person {
  role: Role | null
  grants: GrantedRole[]
}

export function atLeast(role: Role | null | undefined, needed: Role): boolean {
  return role != null && ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

/** The highest role a person has in a place; null: none. */
export function roleIn(person: Person, place: Place = {}): Role | null {
  const granted = person.grants.filter(grant => covers(grant.scope, place)).map(grant => grant.role)
  return highest([person.role, roleByEnvironments(person.grants, place), ...granted])
}

export function mayIn(person: Person, action: Action, place: Place = {}): boolean {
  return atLeast(roleIn(person, place), LEAST_ROLE[action])
}

/** Whether there is any place where they may. */
export function mayAnywhere(person: Person, action: Action): boolean {
  return atLeast(highest([person.role, ...person.grants.map(grant => grant.role)]), LEAST_ROLE[action])
}

export function useAccess() {
  const session = useSession()
  const user = computed(() => session.data.value?.user)
  const anywhere = (action: Action) => computed(() => user.value !== undefined && mayAnywhere(user.value, action))
  return {
    user,
    /** Whether the reader may do it there; without a place: everywhere. */
    may: (action: Action, place?: Place) => user.value !== undefined && mayIn(user.value, action, place),
    mayAnywhere: (action: Action) => user.value !== undefined && mayAnywhere(user.value, action),
    canAsk: anywhere('ask'),
    canReview: anywhere('review'),
    canRelease: anywhere('release'),
    canOperate: computed(() => user.value !== undefined && mayIn(user.value, 'manageHosts')),
    canAdminister: computed(() => user.value !== undefined && mayIn(user.value, 'configure')),
  }
}

function covers(scope: string, place: Place): boolean {
  const [kind, name = ''] = divide(scope, ':')
  const isHost = place.labels !== undefined || place.environments !== undefined
  switch (kind) {
    case 'all':
      return true
    case 'environment':
      return !isHost && place.environment === name
    case 'app': {
      const [app, environment] = divide(name, '@')
      if (isHost || place.app !== app) return false
      return environment === undefined || place.environment === environment
    }
    case 'label':
      return place.labels?.includes(name) ?? false
    default:
      return false
  }
}

/** Whoever may do something in every environment that a host serves may do it on the host. */
function roleByEnvironments(grants: GrantedRole[], { environments }: Place): Role | null {
  if (!environments?.length) return null
  const roles = environments.map(name =>
    highest(grants.filter(grant => grant.scope === `environment:${name}`).map(grant => grant.role)),
  )
  return roles.reduce((lowest, role) => (lowest !== null && atLeast(lowest, role ?? 'viewer') ? role : lowest))
}

function highest(roles: (Role | null)[]): Role | null {
  return roles.reduce<Role | null>((best, role) => (role && !atLeast(best, role) ? role : best), null)
}

function divide(text: string, mark: string): [string, string?] {
  const at = text.indexOf(mark)
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + 1)]
}
