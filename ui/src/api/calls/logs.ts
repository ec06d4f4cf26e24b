// The calls about logs of deployments and jobs, and about a deployment beside an earlier one.
import { call, toUrl } from '../client'

/** Which lines of a deployment's log. undefined: of all; host null: of the server. */
export interface LogFilter {
  host?: string | null
  step?: number
}

/** Where a window begins: at a place among the lines that are shown, or at the line with a number. */
export type WindowStart = { place: number } | { line: number }

export const logCalls = {
  logWindow: (id: number, filter: LogFilter, start: WindowStart, limit: number, signal?: AbortSignal) =>
    call('GET', '/deployments/{id}/logs/window', {
      path: { id },
      query: { ...asQuery(filter), ...start, limit },
      signal,
    }),
  searchLog: (id: number, filter: LogFilter, q: string, from: number, signal?: AbortSignal) =>
    call('GET', '/deployments/{id}/logs/search', { path: { id }, query: { ...asQuery(filter), q, from }, signal }),
  logStreamUrl: (id: number, after: number) =>
    toUrl('/deployments/{id}/logs/stream', { path: { id }, query: { after } }),
  logDownloadUrl: (id: number) => toUrl('/deployments/{id}/log.txt', { path: { id } }),

  jobLogs: (id: number, after: number, limit: number, signal?: AbortSignal) =>
    call('GET', '/jobs/{id}/logs', { path: { id }, query: { after, limit }, signal }),
  jobOutline: (id: number, signal?: AbortSignal) => call('GET', '/jobs/{id}/logs/outline', { path: { id }, signal }),
  searchJobLog: (id: number, q: string, from: number, signal?: AbortSignal) =>
    call('GET', '/jobs/{id}/logs/search', { path: { id }, query: { q, from }, signal }),
  jobLogStreamUrl: (id: number, after: number) => toUrl('/jobs/{id}/log/stream', { path: { id }, query: { after } }),
  jobLogDownloadUrl: (id: number) => toUrl('/jobs/{id}/log.txt', { path: { id } }),

  compareDeployment: (id: number, earlier: number | undefined, signal?: AbortSignal) =>
    call('GET', '/deployments/{id}/compare', { path: { id }, query: { with: earlier }, signal }),
  compareLines: (id: number, earlier: number, host: string | null, step: number, signal?: AbortSignal) =>
    call('GET', '/deployments/{id}/compare/lines', {
      path: { id },
      query: { with: earlier, host: host ?? '-', step },
      signal,
    }),
}

function asQuery({ host, step }: LogFilter) {
  return { host: host === null ? '-' : host, step }
}
