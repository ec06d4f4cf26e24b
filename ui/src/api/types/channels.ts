// Channels: where people are told what happened.
import type { Timestamp } from './common'
import type { SecretRef } from './declared'

export const CHANNEL_KINDS = ['dingtalk', 'wecom', 'feishu', 'slack', 'mattermost', 'email', 'sms', 'webhook'] as const
export type ChannelKind = (typeof CHANNEL_KINDS)[number]

export const CHANNEL_EVENTS = [
  'review_requested',
  'reviewed',
  'released',
  'succeeded',
  'failed',
  'rolled_back',
  'window_overridden',
  'host_down',
  'host_up',
  'status_undeliverable',
  'run_failed',
] as const
export type ChannelEvent = (typeof CHANNEL_EVENTS)[number]

export interface Channel {
  id: string
  kind: ChannelKind
  language: string
  /** Empty or null: every one. */
  events: string[] | null
  environments: string[] | null
  apps: string[] | null
  last: { at: Timestamp; ok: boolean; detail: string } | null
  waiting: number
  dead: number
}

export interface ChannelTest {
  ok: boolean
  detail: string
}

export const SMS_PROVIDERS = ['aliyun', 'tencent', 'twilio'] as const
export type SmsProvider = (typeof SMS_PROVIDERS)[number]

/** What `[[channel]]` says, without its id. Which keys there are depends on its kind. */
export interface ChannelForm {
  kind: ChannelKind
  url?: SecretRef
  secret?: SecretRef
  host?: string
  port?: number
  tls?: 'tls' | 'none'
  user?: string
  password?: SecretRef
  from?: string
  to?: string[]
  provider?: SmsProvider
  account?: string
  key_id?: string
  key_secret?: SecretRef
  sign_name?: string
  template?: string
  params?: string[]
  app_id?: string
  region?: string
  api_url?: string
  language?: 'zh'
  events?: ChannelEvent[]
  environments?: string[]
  apps?: string[]
  allow_private?: boolean
  ca?: SecretRef
  templates?: Record<string, string>
  commands?: Record<string, SecretRef>
}
