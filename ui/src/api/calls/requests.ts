// The calls about release requests: made, read, decided, compared with what is live.
import { call } from '../client'
import type { Query } from '../routes'
import type { BatchBody, BatchVerb, DeployBody, EditBody } from '../types'

export type RequestFilter = Query<'/requests'>

const once = (key: string) => ({ 'Idempotency-Key': key })

export const requestCalls = {
  requests: (filter: RequestFilter, cursor?: string) => call('GET', '/requests', { query: { ...filter, cursor } }),
  requestCounts: (filter: RequestFilter) => call('GET', '/requests/counts', { query: { ...filter } }),
  request: (id: number) => call('GET', '/requests/{id}', { path: { id } }),

  deploy: (app: string, environment: string, body: DeployBody, idempotencyKey: string) =>
    call('POST', '/apps/{app}/environments/{environment}/deploy', {
      path: { app, environment },
      body,
      headers: once(idempotencyKey),
    }),
  requestBatch: (body: BatchBody, idempotencyKey: string) =>
    call('POST', '/requests/batch', { body, headers: once(idempotencyKey) }),
  rollBack: (app: string, environment: string, to: string | undefined, idempotencyKey: string) =>
    call('POST', '/apps/{app}/environments/{environment}/rollback', {
      path: { app, environment },
      body: to ? { to } : {},
      headers: once(idempotencyKey),
    }),
  cloneRequest: (id: number, body: { environment?: string; title?: string }) =>
    call('POST', '/requests/{id}/clone', { path: { id }, body }),

  editRequest: (id: number, body: EditBody) => call('PATCH', '/requests/{id}', { path: { id }, body }),
  approve: (id: number, version: number, reason?: string) =>
    call('POST', '/requests/{id}/approve', { path: { id }, body: { version, ...(reason ? { reason } : {}) } }),
  reject: (id: number, version: number, reason: string) =>
    call('POST', '/requests/{id}/reject', { path: { id }, body: { version, reason } }),
  withdraw: (id: number) => call('POST', '/requests/{id}/withdraw', { path: { id } }),
  /** `overrideReason`: passes locks, freeze and windows, for everybody to read why. */
  release: (id: number, version: number, overrideReason?: string) =>
    call('POST', '/requests/{id}/release', {
      path: { id },
      body: { version, ...(overrideReason ? { override_reason: overrideReason } : {}) },
    }),
  retry: (id: number, hosts: 'all' | 'failed') =>
    call('POST', '/requests/{id}/retry', { path: { id }, body: { hosts } }),
  batch: (id: number) => call('GET', '/batches/{id}', { path: { id } }),
  /** `versions`: what was seen of each request, by its number; another one is left as it is. */
  decideBatch: (id: number, verb: BatchVerb, versions: Record<number, number>, reason?: string) =>
    call('POST', `/batches/{id}/${verb}`, {
      path: { id },
      body: { versions, ...(reason ? { reason } : {}) },
    }),

  requestDiff: (id: number) => call('GET', '/requests/{id}/diff', { path: { id } }),
  requestFileDiff: (id: number, file: string) =>
    call('GET', '/requests/{id}/diff/file', { path: { id }, query: { path: file } }),
  commitDiff: (app: string, environment: string, commit: string) =>
    call('GET', '/apps/{app}/environments/{environment}/diff', { path: { app, environment }, query: { commit } }),

  commitFileDiff: (app: string, environment: string, commit: string, file: string) =>
    call('GET', '/apps/{app}/environments/{environment}/diff/file', {
      path: { app, environment },
      query: { commit, path: file },
    }),

  refs: (app: string, q = '', limit = 50) => call('GET', '/apps/{app}/refs', { path: { app }, query: { q, limit } }),
  commits: (app: string, ref: string, q: string, before?: string, limit = 50) =>
    call('GET', '/apps/{app}/commits', { path: { app }, query: { ref, q, before, limit } }),
}
