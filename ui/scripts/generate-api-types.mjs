// `npm run generate`: writes the types of the API that the UI is checked against.
import { writeFile } from 'node:fs/promises'
import { GENERATED, readDocument, typesOf } from './api-types.mjs'
import { KNOWN } from './api-shapes.mjs'

await writeFile(GENERATED, await typesOf(await readDocument(), KNOWN))
