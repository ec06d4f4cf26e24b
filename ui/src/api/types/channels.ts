// Channels: where people are told what happened.
import type { Timestamp } from './common'

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
