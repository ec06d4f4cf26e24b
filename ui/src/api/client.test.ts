// @vitest-environment node
// The client against a real HTTP server on a free port: what goes over the wire, and what comes back as errors.
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError, call, toUrl, UNREACHABLE } from './client'
import { api } from './endpoints'

interface Answer {
  status: number
  type: string
  body: string
}

let server: Server
let answer: Answer
let seen: IncomingMessage | undefined
let sent: string

beforeEach(async () => {
  answer = { status: 200, type: 'application/json', body: '{}' }
  server = createServer(async (request, response) => {
    seen = request
    sent = ''
    for await (const chunk of request) sent += chunk
    response.writeHead(answer.status, { 'content-type': answer.type })
    response.end(answer.body)
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const realFetch = globalThis.fetch
  vi.stubGlobal('fetch', (url: string, init: RequestInit) => realFetch(base + url, init))
})

afterEach(async () => {
  vi.unstubAllGlobals()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

async function failure(): Promise<ApiError> {
  const error = await call('POST', '/apply', { body: { document: '' } }).catch((caught: unknown) => caught)
  expect(error).toBeInstanceOf(ApiError)
  return error as ApiError
}

describe('call', () => {
  it('reads JSON, text and nothing', async () => {
    answer.body = '{"needed":true}'
    expect(await call('GET', '/setup')).toEqual({ needed: true })
    answer = { status: 200, type: 'text/plain; charset=utf-8', body: '[[host]]\n' }
    expect(await call('GET', '/export')).toBe('[[host]]\n')
    answer = { status: 204, type: 'application/json', body: '' }
    expect(await call('DELETE', '/session')).toBeUndefined()
  })

  it('names the commit that a merge is asked for', async () => {
    await api.askMerge(3, 'a'.repeat(40))
    expect(seen?.url).toBe('/api/v1/changes/3/merge')
    expect(JSON.parse(sent)).toEqual({ head_sha: 'a'.repeat(40) })
  })

  it('guards writes against other sites, and only writes', async () => {
    await call('GET', '/deployments', { query: { limit: 200, cursor: undefined } })
    expect(seen?.headers['x-davit-request']).toBeUndefined()
    expect(seen?.url).toBe('/api/v1/deployments?limit=200')
    const at = { app: 'shop', environment: 'test' }
    const headers = { 'Idempotency-Key': 'k' }
    await call('POST', '/apps/{app}/environments/{environment}/deploy', { path: at, body: {}, headers })
    expect(seen?.headers['x-davit-request']).toBe('1')
    expect(seen?.headers['idempotency-key']).toBe('k')
  })

  it('turns a problem into an error with its lines', async () => {
    const problem = {
      code: 'invalid_config',
      detail: 'Two things are not right.',
      errors: [{ line: 12, column: 3, message: 'No host "web-9".' }],
    }
    answer = { status: 422, type: 'application/problem+json', body: JSON.stringify(problem) }
    const error = await failure()
    expect(error).toMatchObject({ status: 422, code: 'invalid_config', detail: 'Two things are not right.' })
    expect(error.lines).toEqual(problem.errors)
  })

  it.each([
    [502, UNREACHABLE],
    [401, 'unauthenticated'],
    [404, 'unexpected'],
  ])('names an answer %i that is not from davit %s', async (status, code) => {
    answer = { status, type: 'text/html', body: '<h1>proxy</h1>' }
    expect(await failure()).toMatchObject({ status, code, detail: '' })
  })

  it('says unreachable when nobody answers', async () => {
    vi.stubGlobal('fetch', () => Promise.reject(new TypeError('fetch failed')))
    expect(await failure()).toMatchObject({ status: 0, code: UNREACHABLE })
  })
})

describe('addresses', () => {
  it('escape what people named', () => {
    const at = { app: 'a/b', environment: '生产' }
    expect(toUrl('/apps/{app}/environments/{environment}/live', { path: at })).toBe(
      '/api/v1/apps/a%2Fb/environments/%E7%94%9F%E4%BA%A7/live',
    )
    expect(toUrl('/repositories/{forge}/{repository}', { path: { forge: 'a/b', repository: 'acme/t ea' } })).toBe(
      '/api/v1/repositories/a%2Fb/acme/t%20ea',
    )
    expect(toUrl('/deployments', { query: { app: 'a&b', state: '' } })).toBe('/api/v1/deployments?app=a%26b')
  })
})
