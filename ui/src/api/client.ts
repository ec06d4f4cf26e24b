// One function that talks HTTP to davit and one error type. What routes there are is said by types alone (routes.ts);
// which are called, and when, is elsewhere (endpoints.ts, queries.ts).
import type { AnswerOf, Given, Method, NeedsOf, RouteOf } from './routes'
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

interface Parts {
  path?: Record<string, string | number>
  query?: Record<string, unknown>
}

interface Sent extends Parts {
  body?: unknown
  /** A file, sent as it is. */
  raw?: Blob
}

interface Extras {
  headers?: Record<string, string>
  signal?: AbortSignal
}

/** Calls a route of the OpenAPI document with what it needs, such as `call('GET', '/apps/{app}', { path: { app } })`. */
export function call<M extends Method, R extends RouteOf<M>>(
  method: M,
  route: R,
  ...options: Given<NeedsOf<M, R> & Extras>
): Promise<AnswerOf<M, R>>
export async function call(method: Method, route: string, options: Sent & Extras = {}): Promise<unknown> {
  const response = await send(method, route, options)
  if (!response.ok) throw await toApiError(response)
  if (response.status === 204) return undefined
  const type = response.headers.get('content-type') ?? ''
  return type.includes('json') ? response.json() : response.text()
}

/** The address of a route, for what is not called but linked or listened to. */
export function toUrl<R extends RouteOf<'GET'>>(route: R, ...parts: Given<NeedsOf<'GET', R>>): string
export function toUrl(route: string, parts: Parts = {}): string {
  return addressOf(route, parts)
}

/** The parameter whose slashes are the path's own: proxies refuse `%2F`. */
const WITH_SLASHES = 'repository'

/** Names in paths are escaped: those of apps and hosts are people's choice. */
function addressOf(route: string, { path = {}, query = {} }: Parts): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== '') search.set(name, String(value))
  }
  const text = search.toString()
  const filled = route.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const text = String(path[name])
    return name === WITH_SLASHES ? text.split('/').map(encodeURIComponent).join('/') : encodeURIComponent(text)
  })
  return `${API_BASE}${filled}${text ? `?${text}` : ''}`
}

async function send(method: Method, route: string, options: Sent & Extras): Promise<Response> {
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
    return await fetch(addressOf(route, options), init)
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
