// Channels: where people are told what happened.
import type { SecretRef } from './declared'
import type { Schemas } from './schemas'

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

export type Channel = Schemas['ChannelView']
export type ChannelTest = Schemas['TriedView']

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
