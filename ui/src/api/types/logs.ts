// Parts of long logs: windows, matches of a search, outlines, and where two logs part.
import type { CellState, DeploymentSummary, LogLine } from './deployments'

/** Lines that follow each other among those that are shown. */
export interface LogWindow {
  /** The place of the first one, from 0. */
  first: number
  /** How many there are in all, up to `last_seq`. */
  total: number
  last_seq: number
  items: LogLine[]
}

/** Lines that hold a text. */
export interface LogMatches {
  total: number
  /** How many come before the first of `lines`. */
  before: number
  /** The numbers of those around the line that was asked for. */
  lines: number[]
  /** The last line that was searched. */
  last_seq: number
}

/** Something that a job's log folds by. */
export interface LogMark {
  seq: number
  step: number
  kind: 'step' | 'group' | 'endgroup' | 'error'
  /** Of a group. */
  title?: string
}

export interface JobOutline {
  marks: LogMark[]
  /** There are more groups than are named. */
  truncated: boolean
  last_seq: number
}

export interface CellOutcome {
  state: CellState
  /** Milliseconds; null: it has not ended, or never began. */
  took: number | null
}

export interface ComparedCell {
  /** null: the server. */
  host: string | null
  step: number
  before: CellOutcome | null
  now: CellOutcome | null
}

export interface Comparison {
  /** The earlier one. */
  with: DeploymentSummary
  cells: ComparedCell[]
}

/** Where two logs part. */
export interface LogParting {
  differs: boolean
  /** Without a difference so far; the rest was not compared. */
  truncated: boolean
  /** Lines at the beginning that are the same. */
  same: number
  before: LogLine[]
  now: LogLine[]
}
