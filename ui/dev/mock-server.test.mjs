// @vitest-environment node
// The stand-in is held against the OpenAPI document: pages must not be made for answers that no davit gives.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readDocument } from '../scripts/api-types.mjs'
import { routes, server } from './mock-server.mjs'

// What there is in its fixtures, by the name that a route has for it, for one of the routes or for all. A number is
// that of the fourth: there are ones before it.
const THERE = {
  app: 'shop',
  env: 'production',
  environment: 'production',
  forge: 'github',
  host: 'web-1',
  key: 'production',
  'users/name': 'admin',
  'groups/name': 'leads',
  name: 'web-1',
  'forges/id': 'github',
  'channels/id': 'ops-dingtalk',
  'batches/id': '1',
  'terminals/id': '1',
  id: '4',
}
const QUERY = '?commit=1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d1a2b3c4d'

const { paths, components } = await readDocument()
const shape = path => path.replace(/:\w+|\{\w+\}/g, '{}')
const operations = new Map(
  Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, of]) => [`${method.toUpperCase()} ${shape(path)}`, of]),
  ),
)
const called = ({ method, parts }) => `${method} ${shape(`/api/v1${parts.join('/')}`)}`
const schemaOf = operation => operation?.responses[200]?.content?.['application/json']?.schema

/** Why a value is not what a schema says; undefined: it is. The part of JSON Schema that the document uses. */
function misfit(schema, value, at = '') {
  if (schema.$ref) return misfit(components.schemas[schema.$ref.split('/').at(-1)], value, at)
  const choices = schema.oneOf ?? schema.anyOf
  if (choices?.every(choice => misfit(choice, value, at)))
    return `${at}: ${JSON.stringify(value)} is none of the choices`
  for (const part of schema.allOf ?? []) {
    const wrong = misfit(part, value, at)
    if (wrong) return wrong
  }
  const types = [schema.type ?? []].flat()
  if (types.length && !types.some(type => isOf(type, value))) return `${at}: ${JSON.stringify(value)} is not ${types}`
  if (schema.enum && !schema.enum.includes(value)) return `${at}: ${JSON.stringify(value)} is none of ${schema.enum}`
  if (Array.isArray(value)) {
    return value.map((item, i) => misfit(schema.items ?? {}, item, `${at}/${i}`)).find(Boolean)
  }
  if (value === null || typeof value !== 'object') return undefined
  const missing = (schema.required ?? []).filter(name => !(name in value))
  if (missing.length) return `${at}: ${missing.join(', ')} missing`
  const fields = Object.entries(schema.properties ?? {}).filter(([name]) => value[name] !== undefined)
  return fields.map(([name, of]) => misfit(of, value[name], `${at}/${name}`)).find(Boolean)
}

function isOf(type, value) {
  if (type === 'null') return value === null
  if (type === 'array') return Array.isArray(value)
  if (type === 'integer') return Number.isInteger(value)
  if (type === 'object') return typeof value === 'object' && value !== null && !Array.isArray(value)
  return typeof value === type
}

describe('a value', () => {
  const page = { type: 'object', required: ['items'], properties: { items: { type: 'array', items: { enum: ['a'] } } } }

  it.each([
    [{ items: ['a'] }, undefined],
    [{}, ': items missing'],
    [{ items: ['b'] }, '/items/0: "b" is none of a'],
    [{ items: null }, '/items: null is not array'],
  ])('%j is held against its schema', (value, wrong) => {
    expect(misfit(page, value)).toBe(wrong)
  })
})

describe('the stand-in for davit', () => {
  let url
  let cookie

  beforeAll(async () => {
    await new Promise(resolve => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${server.address().port}/api/v1`
    const body = JSON.stringify({ name: 'admin', password: 'correct-horse-battery' })
    const answer = await fetch(`${url}/session`, { method: 'POST', body })
    cookie = answer.headers.get('set-cookie').split(';')[0]
    const batch = { environment: 'production', title: 'Both', items: [{ app: 'shop', ref: 'main' }] }
    const headers = { cookie, 'x-davit-request': '1' }
    await fetch(`${url}/requests/batch`, { method: 'POST', headers, body: JSON.stringify(batch) })
  })

  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  // What is done to a request or batch is one route here, and one for each in the document.
  const own = routes.map(called).filter(name => !/\/(requests|batches)\/\{\}\/\{\}$/.test(name))
  it.each(own)('has no route of its own: %s', name => {
    expect(operations.has(name)).toBe(true)
  })

  const answered = routes.filter(route => route.method === 'GET' && schemaOf(operations.get(called(route))))
  const filled = ({ parts }) =>
    parts.map(part => (part.startsWith(':') ? (THERE[`${parts[1]}/${part.slice(1)}`] ?? THERE[part.slice(1)]) : part))

  it.each(answered.map(route => [called(route), filled(route).join('/')]))(
    'answers what the document says: %s at %s',
    async (name, path) => {
      const answer = await fetch(`${url}${path}${QUERY}`, { headers: { cookie } })
      const body = await answer.json()
      expect(answer.status, body.detail).toBe(200)
      const wrong = misfit(schemaOf(operations.get(name)), body)
      expect(wrong, wrong).toBeUndefined()
    },
  )
})
