// Parts of long logs: windows, matches of a search, outlines, and where two logs part.
import type { Schemas } from './schemas'

export type LogWindow = Schemas['LogWindow']
export type LogMatches = Schemas['LogMatches']

export type MarkKind = Schemas['MarkKind']
/** Something that a job's log folds by. */
export type LogMark = Schemas['MarkView']
export type JobOutline = Schemas['JobOutline']

export type CellOutcome = Schemas['Outcome']
export type ComparedCell = Schemas['ComparedCell']
export type Comparison = Schemas['Comparison']
/** Where two logs part. */
export type LogParting = Schemas['PartingView']
