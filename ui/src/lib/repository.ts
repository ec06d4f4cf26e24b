import type { RouteLocationRaw } from 'vue-router'
import type { AppRepository, CiRepository } from '@/api/types'

/** How people call a repository: its name at its forge, or its URL. */
export function repositoryName(repository: AppRepository): string {
  if (repository.name) return repository.forge ? `${repository.forge}:${repository.name}` : repository.name
  return repository.url ?? '–'
}

/** A repository as one text, for addresses: `github:acme/shop`. */
export function repositoryKey({ forge, name }: Pick<CiRepository, 'forge' | 'name'>): string {
  return `${forge}:${name}`
}

/** The form of a repository. */
export function repositoryPlace({ forge, name }: Pick<CiRepository, 'forge' | 'name'>): RouteLocationRaw {
  return { name: 'settings-repository', params: { forge, name: name.split('/') } }
}

/** What `repositoryKey` made, as the API asks for it; nothing for anything else. */
export function repositoryFilter(key: string): { forge?: string; repository?: string } {
  const at = key.indexOf(':')
  return at < 0 ? {} : { forge: key.slice(0, at), repository: key.slice(at + 1) }
}
