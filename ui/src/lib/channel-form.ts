// A channel as fields to fill in, and back. Keys that have no field here pass through untouched.
import {
  CHANNEL_EVENTS,
  type ChannelEvent,
  type ChannelForm,
  type ChannelKind,
  type SecretRef,
  type SmsProvider,
} from '@/api/types'
import { lines } from './config-form'
import { fromSecretFields, isItemName, type SecretFields, said, secretName, toSecretFields } from './item-form'

export const CHANNEL_SECRETS = ['url', 'secret', 'password', 'keySecret', 'ca'] as const
export type ChannelSecret = (typeof CHANNEL_SECRETS)[number]

/** Kinds whose messages can be signed with a secret of their own. */
const SIGNED: readonly ChannelKind[] = ['dingtalk', 'feishu', 'webhook']

/** What is said of one event in place of davit's own words. */
export interface TemplateRow {
  /** Of no two rows the same. */
  event: string
  text: string
}

export interface ChannelFields {
  id: string
  kind: ChannelKind
  language: 'en' | 'zh'
  /** Whether only some events are told. */
  some: boolean
  events: ChannelEvent[]
  environments: string[]
  apps: string[]
  allowPrivate: boolean
  host: string
  port: string
  tls: 'starttls' | 'tls' | 'none'
  user: string
  from: string
  /** One receiver a line. */
  to: string
  provider: SmsProvider
  account: string
  signName: string
  template: string
  params: string
  appId: string
  region: string
  templates: TemplateRow[]
  secrets: Record<ChannelSecret, SecretFields>
  rest: Record<string, unknown>
}

export function toChannelFields(id: string, form: ChannelForm | null): ChannelFields {
  const stored: SecretFields = { from: 'secret', name: '' }
  const { api_url, commands } = form ?? {}
  return {
    id: id || 'slack',
    kind: form?.kind ?? 'slack',
    language: form?.language ?? 'en',
    some: Boolean(form?.events),
    events: [...(form?.events ?? [])],
    environments: [...(form?.environments ?? [])],
    apps: [...(form?.apps ?? [])],
    allowPrivate: form?.allow_private ?? false,
    host: form?.host ?? '',
    port: form?.port === undefined ? '' : String(form.port),
    tls: form?.tls ?? 'starttls',
    user: form?.user ?? '',
    from: form?.from ?? '',
    to: (form?.to ?? []).join('\n'),
    provider: form?.provider ?? 'aliyun',
    account: form?.account ?? form?.key_id ?? '',
    signName: form?.sign_name ?? '',
    template: form?.template ?? '',
    params: (form?.params ?? []).join('\n'),
    appId: form?.app_id ?? '',
    region: form?.region ?? '',
    templates: Object.entries(form?.templates ?? {}).map(([event, text]) => ({ event, text })),
    secrets: {
      url: form?.url ? toSecretFields(form.url) : { ...stored },
      secret: toSecretFields(form?.secret),
      password: form?.password ? toSecretFields(form.password) : { ...stored },
      keySecret: form?.key_secret ? toSecretFields(form.key_secret) : { ...stored },
      ca: toSecretFields(form?.ca),
    },
    rest: said({ api_url, commands }),
  }
}

export function toChannelForm(fields: ChannelFields): ChannelForm {
  const { api_url, ...rest } = fields.rest
  const form: ChannelForm = {
    ...rest,
    kind: fields.kind,
    ...receiver(fields, api_url),
    events: fields.some ? fields.events : [],
    environments: fields.environments,
    apps: fields.apps,
    allow_private: fields.allowPrivate,
    ca: reference(fields, 'ca'),
  }
  if (fields.language === 'zh') form.language = 'zh'
  if (fields.templates.length) {
    form.templates = Object.fromEntries(fields.templates.map(({ event, text }) => [event, text]))
  }
  return said(form)
}

/** The events that have no words of their own yet, those first that the channel hears of. */
export function freeEvents({ some, events, templates }: ChannelFields): ChannelEvent[] {
  const free = CHANNEL_EVENTS.filter(event => !templates.some(row => row.event === event))
  const isHeard = (event: ChannelEvent) => !some || events.includes(event)
  return [...free.filter(isHeard), ...free.filter(event => !isHeard(event))]
}

/** A new row, of the first event that has no words of its own. */
export function newTemplate(fields: ChannelFields): TemplateRow {
  return { event: freeEvents(fields)[0] ?? '', text: '' }
}

/** Whether words of its own are sent: Aliyun and Tencent send none but those that they approved. */
export const hasOwnWords = ({ kind, provider }: ChannelFields) => kind !== 'sms' || provider === 'twilio'

export const isSigned = (kind: ChannelKind) => SIGNED.includes(kind)

/** What a channel's secrets are called in davit where nobody gave them a name. */
export function channelSecretName(id: string, which: ChannelSecret): string {
  const words: Record<ChannelSecret, string> = {
    url: 'url',
    secret: 'secret',
    password: 'password',
    keySecret: 'key',
    ca: 'ca',
  }
  return secretName(`channel-${id}-${words[which]}`)
}

/** The secrets that a channel of this kind cannot do without. */
export function neededSecret({ kind, user }: ChannelFields): ChannelSecret | undefined {
  if (kind === 'email') return user.trim() ? 'password' : undefined
  return kind === 'sms' ? 'keySecret' : 'url'
}

export function isChannelComplete(fields: ChannelFields): boolean {
  if (!isItemName(fields.id) || (fields.some && !fields.events.length)) return false
  const isNamed = ({ from, name }: SecretFields) => from === '' || from === 'secret' || name.trim() !== ''
  if (!Object.values(fields.secrets).every(isNamed)) return false
  const has = (...texts: string[]) => texts.every(text => text.trim() !== '')
  if (!has(...fields.templates.map(({ text }) => text))) return false
  if (fields.kind === 'email') return has(fields.host, fields.from, fields.to)
  if (fields.kind !== 'sms') return true
  if (fields.provider === 'twilio') return has(fields.account, fields.from, fields.to)
  return (
    has(fields.account, fields.signName, fields.template, fields.to) &&
    (fields.provider === 'aliyun' || has(fields.appId))
  )
}

function reference(fields: ChannelFields, which: ChannelSecret): SecretRef | undefined {
  return fromSecretFields(fields.secrets[which], channelSecretName(fields.id, which))
}

function receiver(fields: ChannelFields, apiUrl: unknown): Partial<ChannelForm> {
  if (fields.kind === 'email') return mail(fields)
  if (fields.kind === 'sms') return { ...sms(fields), ...(typeof apiUrl === 'string' ? { api_url: apiUrl } : {}) }
  return { url: reference(fields, 'url'), secret: isSigned(fields.kind) ? reference(fields, 'secret') : undefined }
}

function mail(fields: ChannelFields): Partial<ChannelForm> {
  const form: Partial<ChannelForm> = { host: fields.host.trim(), from: fields.from.trim(), to: lines(fields.to) }
  if (fields.port.trim()) form.port = Number(fields.port)
  if (fields.tls !== 'starttls') form.tls = fields.tls
  if (!fields.user.trim()) return form
  return { ...form, user: fields.user.trim(), password: reference(fields, 'password') }
}

function sms(fields: ChannelFields): Partial<ChannelForm> {
  const { provider } = fields
  const common = { provider, key_secret: reference(fields, 'keySecret'), to: lines(fields.to) }
  if (provider === 'twilio') return { ...common, account: fields.account.trim(), from: fields.from.trim() }
  return said({
    ...common,
    key_id: fields.account.trim(),
    sign_name: fields.signName.trim(),
    template: fields.template.trim(),
    params: lines(fields.params),
    app_id: provider === 'tencent' ? fields.appId.trim() : '',
    region: fields.region.trim(),
  })
}
