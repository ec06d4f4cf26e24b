// One function that talks HTTP to davit and one error type. Knows nothing of routes (endpoints.ts) or caching
// (queries.ts).
import type { Problem, ProblemLine } from './types'

export const API_BASE = '/api/v1'

/** A call that did not succeed. `code` is stable; `detail` is a sentence for a person, when the server gave one. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly lines: ProblemLine[]

  constructor(problem: Problem & { status: number }) {
    super(problem.detail || problem.title || problem.code)
    this.name = 'ApiError'
    this.status = problem.status
    this.code = problem.code
    this.detail = problem.detail ?? ''
    this.lines = problem.errors ?? []
  }
}

/** The HTTP status of a call that failed; 0 when there was none, undefined when it was no call. */
export function statusOf(error: unknown): number | undefined {
  return error instanceof ApiError ? error.status : undefined
}

/** The server could not be reached at all: no status, so nobody knows whether a write happened. */
export const UNREACHABLE = 'unreachable'

export interface CallOptions {
  query?: Record<string, string | number | undefined | null>
  body?: unknown
  /** A file, sent as it is. */
  raw?: Blob
  headers?: Record<string, string>
  signal?: AbortSignal
}

export async function call<T>(method: string, path: string, options: CallOptions = {}): Promise<T> {
  const response = await send(method, path, options)
  if (!response.ok) throw await toApiError(response)
  if (response.status === 204) return undefined as T
  const type = response.headers.get('content-type') ?? ''
  return (type.includes('json') ? await response.json() : await response.text()) as T
}

export function toUrl(path: string, query: CallOptions['query'] = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  return `${API_BASE}${path}${text ? `?${text}` : ''}`
}

/** Joins path segments, each escaped: names of apps and hosts are people's choice. */
export function path(...segments: (string | number)[]): string {
  return segments.map(segment => `/${encodeURIComponent(segment)}`).join('')
}

async function send(method: string, route: string, options: CallOptions): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', ...options.headers }
  if (method !== 'GET') headers['X-Davit-Request'] = '1'
  const init: RequestInit = { method, headers, credentials: 'same-origin' }
  if (options.signal) init.signal = options.signal
  if (options.body !== undefined) {
    headers['Content-Type'] = 'application/json'
    init.body = JSON.stringify(options.body)
  } else if (options.raw) {
    headers['Content-Type'] = 'application/octet-stream'
    init.body = options.raw
  }
  try {
    return await fetch(toUrl(route, options.query), init)
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiError({ status: 0, code: UNREACHABLE })
  }
}

async function toApiError(response: Response): Promise<ApiError> {
  const type = response.headers.get('content-type') ?? ''
  if (type.includes('json')) {
    const problem: unknown = await response.json().catch(() => null)
    if (isProblem(problem)) return new ApiError({ ...problem, status: response.status })
  }
  // Not ours: a proxy between the browser and davit answered.
  const code = response.status === 401 ? 'unauthenticated' : response.status >= 502 ? UNREACHABLE : 'unexpected'
  return new ApiError({ status: response.status, code })
}

function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && typeof (value as Problem).code === 'string'
}
