import type { AppRepository } from '@/api/types'

/** How people call a repository: its name at its forge, or its URL. */
export function repositoryName(repository: AppRepository): string {
  if (repository.name) return repository.forge ? `${repository.forge}:${repository.name}` : repository.name
  return repository.url ?? '–'
}
