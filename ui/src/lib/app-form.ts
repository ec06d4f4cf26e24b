// The form of an app: where its code comes from, and what is sent for it.
import type { AppRepository, NewRepository } from '@/api/types'

export interface AppForm {
  key: string
  name: string
  /** A forge's id; empty: any git address. */
  forge: string
  repository: string
  url: string
}

export function toAppForm(app?: { key: string; name: string; repository: AppRepository }): AppForm {
  return {
    key: app?.key ?? '',
    name: app?.name ?? '',
    forge: app?.repository.forge ?? '',
    repository: app?.repository.name ?? '',
    url: app?.repository.url ?? '',
  }
}

export function toRepository({ forge, repository, url }: AppForm): NewRepository {
  const address = url.trim() ? { url: url.trim() } : {}
  return forge ? { forge, name: repository.trim(), ...address } : address
}

/** As the server takes keys: they are part of paths on hosts. */
export function isAppKey(text: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,62}$/.test(text) && !text.includes('..')
}

/** The key that a name suggests; empty when nothing of it can stand in one. */
export function keyFromName(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 63)
}

export function isAppComplete(form: AppForm): boolean {
  return isAppKey(form.key) && (form.forge ? form.repository.trim() !== '' : form.url.trim() !== '')
}
