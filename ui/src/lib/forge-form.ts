// A forge as fields to fill in, and back.
import type { ForgeForm, ForgeKind } from '@/api/types'
import { fromSecretFields, isItemName, type SecretFields, said, secretName, toSecretFields } from './item-form'

/** What each kind's webhooks may be signed with; the first is usual. */
export const SIGNATURES: Record<ForgeKind, readonly string[]> = {
  github: ['hmac-sha256', 'hmac-sha1'],
  gitlab: ['token', 'standard-webhooks'],
  gitea: ['hmac-sha256'],
  gitee: ['timestamp', 'token'],
  generic: ['hmac-sha256'],
}

/** Where the API of each kind is unless told otherwise; empty: each installation has its own, or none. */
export const USUAL_API: Record<ForgeKind, string> = {
  github: 'https://api.github.com',
  gitlab: 'https://gitlab.com/api/v4',
  gitea: '',
  gitee: 'https://gitee.com/api/v5',
  generic: '',
}

export const GENERIC_FIELDS = [
  'header',
  'prefix',
  'delivery_header',
  'repository',
  'ref',
  'commit',
  'by',
  'title',
] as const
export type GenericField = (typeof GENERIC_FIELDS)[number]

export const FORGE_SECRETS = ['token', 'appKey', 'webhook', 'gitKey', 'ca'] as const
export type ForgeSecret = (typeof FORGE_SECRETS)[number]

export interface ForgeFields {
  id: string
  kind: ForgeKind
  apiUrl: string
  /** With what davit speaks to the API. */
  credential: 'none' | 'token' | 'app'
  appId: string
  /** Empty: the kind's usual one. */
  signature: string
  proxy: string
  generic: Record<GenericField, string>
  secrets: Record<ForgeSecret, SecretFields>
}

export function toForgeFields(id: string, form: ForgeForm | null): ForgeFields {
  const usual = {
    header: 'X-Signature',
    prefix: 'sha256=',
    repository: '/repository/full_name',
    ref: '/ref',
    commit: '/after',
  }
  const generic: Partial<Record<GenericField, string>> = form?.generic ?? usual
  return {
    id: id || 'github',
    kind: form?.kind ?? 'github',
    apiUrl: form?.api_url ?? '',
    credential: form?.app ? 'app' : form?.token || !form ? 'token' : 'none',
    appId: form?.app?.id ?? '',
    signature: form?.signature ?? '',
    proxy: form?.proxy ?? '',
    generic: Object.fromEntries(GENERIC_FIELDS.map(key => [key, generic[key] ?? ''])) as Record<GenericField, string>,
    secrets: {
      token: form?.token ? toSecretFields(form.token) : { from: 'secret', name: '' },
      appKey: form?.app ? toSecretFields(form.app.private_key) : { from: 'secret', name: '' },
      webhook: form ? toSecretFields(form.webhook_secret) : { from: 'secret', name: '' },
      gitKey: toSecretFields(form?.git_key),
      ca: toSecretFields(form?.ca),
    },
  }
}

export function toForgeForm(fields: ForgeFields): ForgeForm {
  const { kind, credential, secrets } = fields
  const hasApi = kind !== 'generic'
  const reference = (which: ForgeSecret) => fromSecretFields(secrets[which], forgeSecretName(fields.id, which))
  const form: ForgeForm = {
    kind,
    webhook_secret: reference('webhook'),
    ca: reference('ca'),
    git_key: reference('gitKey'),
  }
  form.proxy = fields.proxy.trim()
  form.signature = SIGNATURES[kind].includes(fields.signature) ? fields.signature : ''
  const api = fields.apiUrl.trim().replace(/\/+$/, '')
  if (hasApi && api !== USUAL_API[kind]) form.api_url = api
  if (hasApi && credential === 'token') form.token = reference('token')
  const appKey = reference('appKey')
  if (kind === 'github' && credential === 'app' && appKey) form.app = { id: fields.appId.trim(), private_key: appKey }
  if (kind === 'generic') {
    const { header, repository, ref, commit, ...rest } = fields.generic
    form.generic = { header, repository, ref, commit, ...said(rest) }
  }
  return said(form)
}

/** What a forge's secrets are called in davit where nobody gave them a name. */
export function forgeSecretName(id: string, which: ForgeSecret): string {
  const words: Record<ForgeSecret, string> = {
    token: 'token',
    appKey: 'app-key',
    webhook: 'webhook',
    gitKey: 'deploy-key',
    ca: 'ca',
  }
  return secretName(`${id}-${words[which]}`)
}

/** `https://git.example.com` is what people have at hand; its API is a path further. */
export function apiOf(kind: ForgeKind, address: string): string {
  const paths: Partial<Record<ForgeKind, string>> = { gitea: '/api/v1', gitlab: '/api/v4', github: '/api/v3' }
  const path = paths[kind]
  return path && /^https?:\/\/[^/]+\/?$/.test(address) && !address.includes('api.github.com')
    ? address.replace(/\/$/, '') + path
    : address
}

export function isForgeComplete(fields: ForgeFields): boolean {
  if (!isItemName(fields.id)) return false
  if (fields.kind === 'gitea' && !fields.apiUrl.trim()) return false
  const isNamed = ({ from, name }: SecretFields) => from === '' || from === 'secret' || name.trim() !== ''
  return Object.values(fields.secrets).every(isNamed) && (fields.credential !== 'app' || fields.appId.trim() !== '')
}

/** A webhook secret that nobody can guess: 32 random bytes as hexadecimal. */
export function makeSecret(): string {
  return [...crypto.getRandomValues(new Uint8Array(32))].map(byte => byte.toString(16).padStart(2, '0')).join('')
}
