// Who did what, when and from where.
import type { Schemas } from './schemas'

export type FeedEntry = Schemas['EntryView']
