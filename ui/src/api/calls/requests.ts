// The calls about release requests: made, read, decided, compared with what is live.
import { call, path } from '../client'
import type {
  Batch,
  BatchAnswer,
  BatchBody,
  BatchMade,
  BatchVerb,
  CommitPage,
  DeployBody,
  EditBody,
  FilePatch,
  GitRefs,
  Page,
  ReleaseDiff,
  ReleaseRequest,
  RequestCounts,
} from '../types'

export interface RequestFilter {
  group?: string
  q?: string
  app?: string
  environment?: string
  author?: string
  batch?: number
  mine?: string
  waiting_for_me?: string
}

const once = (key: string) => ({ 'Idempotency-Key': key })

export const requestCalls = {
  requests: (filter: RequestFilter, cursor?: string) =>
    call<Page<ReleaseRequest>>('GET', '/requests', { query: { ...filter, cursor } }),
  requestCounts: (filter: RequestFilter) => call<RequestCounts>('GET', '/requests/counts', { query: { ...filter } }),
  request: (id: number) => call<ReleaseRequest>('GET', path('requests', id)),

  deploy: (app: string, environment: string, body: DeployBody, idempotencyKey: string) =>
    call<ReleaseRequest>('POST', `${path('apps', app, 'environments', environment)}/deploy`, {
      body,
      headers: once(idempotencyKey),
    }),
  requestBatch: (body: BatchBody, idempotencyKey: string) =>
    call<BatchMade>('POST', '/requests/batch', { body, headers: once(idempotencyKey) }),
  rollBack: (app: string, environment: string, to: string | undefined, idempotencyKey: string) =>
    call<ReleaseRequest>('POST', `${path('apps', app, 'environments', environment)}/rollback`, {
      body: to ? { to } : {},
      headers: once(idempotencyKey),
    }),
  cloneRequest: (id: number, body: { environment?: string; title?: string }) =>
    call<ReleaseRequest>('POST', `${path('requests', id)}/clone`, { body }),

  editRequest: (id: number, body: EditBody) => call<ReleaseRequest>('PATCH', path('requests', id), { body }),
  approve: (id: number, version: number, reason?: string) =>
    call<ReleaseRequest>('POST', `${path('requests', id)}/approve`, {
      body: { version, ...(reason ? { reason } : {}) },
    }),
  reject: (id: number, version: number, reason: string) =>
    call<ReleaseRequest>('POST', `${path('requests', id)}/reject`, { body: { version, reason } }),
  withdraw: (id: number) => call<ReleaseRequest>('POST', `${path('requests', id)}/withdraw`, { body: {} }),
  /** `overrideReason`: passes locks, freeze and windows, for everybody to read why. */
  release: (id: number, version: number, overrideReason?: string) =>
    call<ReleaseRequest>('POST', `${path('requests', id)}/release`, {
      body: { version, ...(overrideReason ? { override_reason: overrideReason } : {}) },
    }),
  retry: (id: number, hosts: 'all' | 'failed') =>
    call<ReleaseRequest>('POST', `${path('requests', id)}/retry`, { body: { hosts } }),
  batch: (id: number) => call<Batch>('GET', path('batches', id)),
  /** `versions`: what was seen of each request, by its number; another one is left as it is. */
  decideBatch: (id: number, verb: BatchVerb, versions: Record<number, number>, reason?: string) =>
    call<BatchAnswer>('POST', `${path('batches', id)}/${verb}`, {
      body: { versions, ...(reason ? { reason } : {}) },
    }),

  requestDiff: (id: number) => call<ReleaseDiff>('GET', `${path('requests', id)}/diff`),
  requestFileDiff: (id: number, file: string) =>
    call<FilePatch>('GET', `${path('requests', id)}/diff/file`, { query: { path: file } }),
  commitDiff: (app: string, environment: string, commit: string) =>
    call<ReleaseDiff>('GET', `${path('apps', app, 'environments', environment)}/diff`, { query: { commit } }),

  commitFileDiff: (app: string, environment: string, commit: string, file: string) =>
    call<FilePatch>('GET', `${path('apps', app, 'environments', environment)}/diff/file`, {
      query: { commit, path: file },
    }),

  refs: (app: string, q = '', limit = 50) => call<GitRefs>('GET', `${path('apps', app)}/refs`, { query: { q, limit } }),
  commits: (app: string, ref: string, q: string, before?: string, limit = 50) =>
    call<CommitPage>('GET', `${path('apps', app)}/commits`, { query: { ref, q, before, limit } }),
}
