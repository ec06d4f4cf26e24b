// TypeScript types of the API, from the OpenAPI document that the server's tests keep. generate-api-types.mjs writes
// them, api-types.test.mjs sees that they were written.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import openapiTS, { astToString } from 'openapi-typescript'
import ts from 'typescript'

const SNAPSHOT = new URL('../../crates/api/tests/it/snapshots/openapi.snap', import.meta.url)
const SHAPE = 'x-davit-shape'

/** Where the types are kept. */
export const GENERATED = fileURLToPath(new URL('../src/api/generated.ts', import.meta.url))

const HEADER = `// Generated from the OpenAPI document of the server by \`npm run generate\`: not to be edited. What the pages call these
// types is in types/, what it has in objects that the document leaves open in scripts/api-shapes.mjs.
import type * as known from './types'

`

/** The OpenAPI document as the server's tests have seen it last. */
export async function readDocument() {
  const text = await readFile(SNAPSHOT, 'utf8')
  // An insta snapshot: YAML between two lines of dashes, then what was looked at.
  return JSON.parse(text.replace(/^---\n[\s\S]*?\n---\n/, ''))
}

/** The types of a document, with those of `knownShapes` (place to name) for what it leaves open. */
export async function typesOf(document, knownShapes) {
  const own = structuredClone(document)
  leaveProblemsOut(own)
  for (const [place, shape] of Object.entries(knownShapes)) schemaAt(own, place)[SHAPE] = shape
  const nodes = await openapiTS(own, { transform: typeOf, silent: true })
  return HEADER + astToString(nodes)
}

/** Whatever fails answers a Problem, which client.ts reads: said once and not for each operation. */
function leaveProblemsOut({ paths }) {
  for (const { responses } of Object.values(paths).flatMap(operations => Object.values(operations))) {
    for (const status of Object.keys(responses)) if (status >= '400') delete responses[status]
  }
}

const isNullable = ({ type, oneOf = [] }) => type?.includes?.('null') || oneOf.some(choice => choice.type === 'null')

/** The schema at `Name.field` or, of the items, `Name.field[]`; it has to be an open one. */
function schemaAt({ components: { schemas } }, place) {
  const [name, path] = place.split('.')
  const field = path.replace('[]', '')
  const parts = [schemas[name], ...(schemas[name]?.allOf ?? [])]
  let schema = parts.find(part => part?.properties?.[field])?.properties[field]
  if (schema && path.endsWith('[]')) {
    // The name of the items gives way to the known one.
    if (schema.items?.$ref) schema.items = { type: 'object' }
    schema = schema.items
  }
  if (!schema || !isOpen(schema)) {
    throw new Error(`scripts/api-shapes.mjs: ${place} is no open object of the OpenAPI document`)
  }
  return schema
}

function isOpen({ type, properties }) {
  return type?.includes?.('object') && !properties
}

/** The type of what is known better here, and of objects without a shape; the rest is left to the generator. */
function typeOf(schema) {
  const { factory } = ts
  const shape = schema[SHAPE]
  if (!shape && (!isOpen(schema) || schema.additionalProperties)) return undefined
  const known = shape
    ? factory.createTypeReferenceNode(factory.createQualifiedName(factory.createIdentifier('known'), shape))
    : factory.createKeywordTypeNode(ts.SyntaxKind.ObjectKeyword)
  if (!isNullable(schema)) return known
  return factory.createUnionTypeNode([known, factory.createLiteralTypeNode(factory.createNull())])
}
