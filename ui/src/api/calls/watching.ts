// The calls about values, channels, the feed and terminals.
import { call, path, toUrl } from '../client'
import type {
  Channel,
  ChannelTest,
  FeedEntry,
  Page,
  Terminal,
  ValueChange,
  Values,
  ValueScope,
  ValuesChange,
  ValuesRevision,
} from '../types'

export interface FeedFilter {
  actor?: string
  action?: string
  app?: string
  environment?: string
  /** Moments as RFC 3339. */
  from?: string
  to?: string
  q?: string
}

export interface TerminalFilter {
  host?: string
  user?: string
}

export const watchingCalls = {
  values: (scope: ValueScope, inherited: boolean) =>
    call<Values>('GET', '/values', { query: { ...scope, inherited: String(inherited) } }),
  changeValues: (body: ValuesChange) => call<Values>('PUT', '/values', { body }),
  valuesHistory: (scope: ValueScope) => call<Page<ValuesRevision>>('GET', '/values/history', { query: { ...scope } }),
  valuesDiff: (scope: ValueScope, from: number, to: number) =>
    call<{ from: number; to: number; changes: ValueChange[] }>('GET', '/values/diff', {
      query: { ...scope, from, to },
    }),
  restoreValues: (scope: ValueScope, revision: number) =>
    call<{ revision: number; kept: string[] }>('POST', '/values/restore', { body: { ...scope, revision } }),

  channels: () => call<Page<Channel>>('GET', '/channels'),
  testChannel: (id: string) => call<ChannelTest>('POST', `${path('channels', id)}/test`, { body: {} }),
  previewChannel: (id: string, event: string) =>
    call<{ text: string }>('GET', `${path('channels', id)}/preview`, { query: { event } }),

  feed: (filter: FeedFilter, cursor?: string) =>
    call<Page<FeedEntry>>('GET', '/feed', { query: { ...filter, before: cursor } }),
  feedActions: () => call<Page<string>>('GET', '/feed/actions'),
  feedExportUrl: (filter: FeedFilter, format: 'csv' | 'json') => toUrl('/feed/export', { ...filter, format }),

  terminals: (filter: TerminalFilter) => call<Page<Terminal>>('GET', '/terminals', { query: { ...filter } }),
  terminal: (id: number) => call<Terminal>('GET', path('terminals', id)),
  openTerminal: (host: string, size: { cols: number; rows: number }) =>
    call<{ id: number }>('POST', `${path('hosts', host)}/terminals`, { body: size }),
  endTerminal: (id: number) => call<void>('DELETE', path('terminals', id)),
  recording: (id: number) =>
    call<string>('GET', `${path('terminals', id)}/recording`, { headers: { Accept: 'text/plain' } }),
  recordingUrl: (id: number) => toUrl(`${path('terminals', id)}/recording`),
  terminalSocketUrl: (id: number) =>
    toUrl(`${path('terminals', id)}/socket`).replace(/^/, location.origin.replace(/^http/, 'ws')),
}
