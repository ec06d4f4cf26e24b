// The calls about values, channels, the feed and terminals.
import { call, toUrl } from '../client'
import type { Query } from '../routes'
import type { ValueScope, ValuesChange } from '../types'

export type FeedFilter = Query<'/feed'>
export type TerminalFilter = Query<'/terminals'>

export const watchingCalls = {
  values: (scope: ValueScope, inherited: boolean) => call('GET', '/values', { query: { ...scope, inherited } }),
  changeValues: (body: ValuesChange) => call('PUT', '/values', { body }),
  valuesHistory: (scope: ValueScope) => call('GET', '/values/history', { query: { ...scope } }),
  valuesDiff: (scope: ValueScope, from: number, to: number) =>
    call('GET', '/values/diff', {
      query: { ...scope, from, to },
    }),
  restoreValues: (scope: ValueScope, revision: number) =>
    call('POST', '/values/restore', { body: { ...scope, revision } }),

  channels: () => call('GET', '/channels'),
  testChannel: (id: string) => call('POST', '/channels/{id}/test', { path: { id } }),
  previewChannel: (id: string, event: string) =>
    call('GET', '/channels/{id}/preview', { path: { id }, query: { event } }),

  feed: (filter: FeedFilter, cursor?: string) =>
    call('GET', '/feed', { query: { ...filter, before: cursor ? Number(cursor) : undefined } }),
  feedActions: () => call('GET', '/feed/actions'),
  feedExportUrl: (filter: FeedFilter, format: 'csv' | 'json') =>
    toUrl('/feed/export', { query: { ...filter, format } }),

  terminals: (filter: TerminalFilter) => call('GET', '/terminals', { query: { ...filter } }),
  terminal: (id: number) => call('GET', '/terminals/{id}', { path: { id } }),
  openTerminal: (host: string, size: { cols: number; rows: number }) =>
    call('POST', '/hosts/{name}/terminals', { path: { name: host }, body: size }),
  endTerminal: (id: number) => call('DELETE', '/terminals/{id}', { path: { id } }),
  recording: (id: number) =>
    call('GET', '/terminals/{id}/recording', { path: { id }, headers: { Accept: 'text/plain' } }) as Promise<string>,
  recordingUrl: (id: number) => toUrl('/terminals/{id}/recording', { path: { id } }),
  terminalSocketUrl: (id: number) =>
    toUrl('/terminals/{id}/socket', { path: { id } }).replace(/^/, location.origin.replace(/^http/, 'ws')),
}
