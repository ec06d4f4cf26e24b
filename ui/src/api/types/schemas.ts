// The schemas of the OpenAPI document by their names there, as generated. The other files give them the pages' names.
import type { components } from '../generated'

export type Schemas = components['schemas']
