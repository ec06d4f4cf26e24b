// Hosts by what they share, and those that a search means.
import type { Host } from '@/api/types'

export const GROUPINGS = ['none', 'category', 'label', 'environment'] as const
export type Grouping = (typeof GROUPINGS)[number]

export interface HostGroup {
  /** Empty: of hosts that have none. */
  name: string
  hosts: Host[]
}

export interface HostFilter {
  search: string
  environment: string
  label: string
}

/** Each word of the search stands somewhere in the host's name, address, user, labels or category. */
export function matchingHosts(hosts: Host[], { search, environment, label }: HostFilter): Host[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean)
  return hosts.filter(host => {
    if (environment && !host.environments.includes(environment)) return false
    if (label && !host.labels.includes(label)) return false
    const text = [host.name, host.address, host.user, host.category, ...host.labels].join(' ').toLowerCase()
    return words.every(word => text.includes(word))
  })
}

/** A host with two labels stands under both. Groups by their names, those without one last. */
export function groupHosts(hosts: Host[], by: Grouping): HostGroup[] {
  const groups = new Map<string, Host[]>()
  for (const host of hosts) {
    const names = namesOf(host, by)
    for (const name of names.length ? names : ['']) groups.set(name, [...(groups.get(name) ?? []), host])
  }
  const named = [...groups].map(([name, members]) => ({ name, hosts: members }))
  return named.sort((one, other) => {
    if ((one.name === '') !== (other.name === '')) return one.name === '' ? 1 : -1
    return one.name.localeCompare(other.name)
  })
}

function namesOf(host: Host, by: Grouping): string[] {
  switch (by) {
    case 'none':
      return []
    case 'category':
      return host.category ? [host.category] : []
    case 'label':
      return host.labels
    case 'environment':
      return host.environments
  }
}
