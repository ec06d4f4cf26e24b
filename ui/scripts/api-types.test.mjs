// @vitest-environment node
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { GENERATED, readDocument, typesOf } from './api-types.mjs'
import { KNOWN } from './api-shapes.mjs'

const document = schemas => ({
  openapi: '3.1.0',
  info: { title: 'An API', version: '1' },
  paths: {},
  components: { schemas },
})
const text = () => ({ type: 'string' })

describe('the types of the API', () => {
  it('are those of the document that the server has now', async () => {
    const written = await readFile(GENERATED, 'utf8')
    // Not toBe: nobody reads ten thousand lines of difference.
    expect(written === (await typesOf(await readDocument(), KNOWN)), 'npm run generate').toBe(true)
  })

  it('know shapes that the document leaves open', async () => {
    const open = () => ({ type: ['object', 'null'] })
    const view = {
      type: 'object',
      required: ['form'],
      properties: { form: open(), marks: { type: 'array', items: { type: 'object' } }, rest: open() },
    }
    const types = await typesOf(document({ View: view }), { 'View.form': 'Form', 'View.marks[]': 'Mark' })
    expect(types).toMatch(/form: known\.Form \| null;/)
    expect(types).toMatch(/marks\?: known\.Mark\[\];/)
    expect(types).toMatch(/rest\?: object \| null;/)
  })

  it.each(['Gone.state', 'View.gone', 'View.state', 'View.whole'])('are not made when %s is not open', async place => {
    const whole = { type: 'object', properties: { name: text() } }
    const properties = { state: text(), whole }
    const made = typesOf(document({ View: { type: 'object', properties } }), { [place]: 'State' })
    await expect(made).rejects.toThrow(`${place} is no open object`)
  })
})
