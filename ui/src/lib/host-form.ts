// A host as fields to fill in, and back.
import type { HostForm } from '@/api/types'
import { fromSecretFields, isItemName, type SecretFields, said, secretName, toSecretFields } from './item-form'

export const HOST_LOGINS = ['davit', 'own', 'agent'] as const
export type HostLogin = (typeof HOST_LOGINS)[number]

export interface HostFields {
  name: string
  kind: 'ssh' | 'local'
  address: string
  port: string
  user: string
  /** In the order in which they are gone through. */
  jump: string[]
  labels: string[]
  category: string
  environments: string[]
  /** With whose key davit logs in. */
  login: HostLogin
  key: SecretFields
  /** As it came; changed by accepting a key, not here. */
  hostKey: string
}

export function toHostFields(name: string, form: HostForm): HostFields {
  return {
    name,
    kind: form.kind ?? 'ssh',
    address: form.address ?? '',
    port: form.port === undefined ? '' : String(form.port),
    user: form.user ?? '',
    jump: [...(form.jump ?? [])],
    labels: [...(form.labels ?? [])],
    category: form.category ?? '',
    environments: [...(form.environments ?? [])],
    login: form.agent ? 'agent' : form.private_key ? 'own' : 'davit',
    key: toSecretFields(form.private_key),
    hostKey: form.host_key ?? '',
  }
}

export function toHostForm(fields: HostFields): HostForm {
  const { kind, labels, environments } = fields
  const shared = { labels, environments, category: fields.category.trim() }
  if (kind === 'local') return said({ kind, ...shared })
  const port = fields.port.trim()
  const form: HostForm = {
    ...shared,
    address: fields.address.trim(),
    user: fields.user.trim(),
    jump: fields.jump,
    host_key: fields.hostKey,
    agent: fields.login === 'agent',
  }
  if (port && port !== '22') form.port = Number(port)
  const key = fields.login === 'own' ? fromSecretFields(fields.key, hostKeyName(fields.name)) : undefined
  if (key) form.private_key = key
  return said(form)
}

/** What the private key of a host is called in davit. */
export function hostKeyName(name: string): string {
  return secretName(`host-${name}`)
}

export function isPort(text: string): boolean {
  return text.trim() === '' || (/^\d{1,5}$/.test(text.trim()) && Number(text) >= 1 && Number(text) <= 65_535)
}

export function isHostComplete(fields: HostFields): boolean {
  if (!isItemName(fields.name)) return false
  if (fields.kind === 'local') return true
  const hasKey = fields.login !== 'own' || fields.key.from === 'secret' || fields.key.name.trim() !== ''
  return fields.address.trim() !== '' && fields.user.trim() !== '' && isPort(fields.port) && hasKey
}
