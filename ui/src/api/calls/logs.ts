// The calls about logs of deployments and jobs, and about a deployment beside an earlier one.
import { call, path, toUrl } from '../client'
import type { Comparison, JobLogPage, JobOutline, LogMatches, LogParting, LogWindow } from '../types'

/** Which lines of a deployment's log. undefined: of all; host null: of the server. */
export interface LogFilter {
  host?: string | null
  step?: number
}

/** Where a window begins: at a place among the lines that are shown, or at the line with a number. */
export type WindowStart = { place: number } | { line: number }

export const logCalls = {
  logWindow: (id: number, filter: LogFilter, start: WindowStart, limit: number, signal?: AbortSignal) =>
    call<LogWindow>('GET', `${path('deployments', id)}/logs/window`, {
      query: { ...asQuery(filter), ...start, limit },
      signal,
    }),
  searchLog: (id: number, filter: LogFilter, q: string, from: number, signal?: AbortSignal) =>
    call<LogMatches>('GET', `${path('deployments', id)}/logs/search`, {
      query: { ...asQuery(filter), q, from },
      signal,
    }),
  logStreamUrl: (id: number, after: number) => toUrl(`${path('deployments', id)}/logs/stream`, { after }),
  logDownloadUrl: (id: number) => toUrl(`${path('deployments', id)}/log.txt`),

  jobLogs: (id: number, after: number, limit: number, signal?: AbortSignal) =>
    call<JobLogPage>('GET', `${path('jobs', id)}/logs`, { query: { after, limit }, signal }),
  jobOutline: (id: number, signal?: AbortSignal) =>
    call<JobOutline>('GET', `${path('jobs', id)}/logs/outline`, { signal }),
  searchJobLog: (id: number, q: string, from: number, signal?: AbortSignal) =>
    call<LogMatches>('GET', `${path('jobs', id)}/logs/search`, { query: { q, from }, signal }),
  jobLogStreamUrl: (id: number, after: number) => toUrl(`${path('jobs', id)}/log/stream`, { after }),
  jobLogDownloadUrl: (id: number) => toUrl(`${path('jobs', id)}/log.txt`),

  compareDeployment: (id: number, earlier: number | undefined, signal?: AbortSignal) =>
    call<Comparison>('GET', `${path('deployments', id)}/compare`, { query: { with: earlier }, signal }),
  compareLines: (id: number, earlier: number, host: string | null, step: number, signal?: AbortSignal) =>
    call<LogParting>('GET', `${path('deployments', id)}/compare/lines`, {
      query: { with: earlier, host: host ?? '-', step },
      signal,
    }),
}

function asQuery({ host, step }: LogFilter) {
  return { host: host === null ? '-' : host, step }
}
