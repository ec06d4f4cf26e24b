// What every answer has in common: pages, problems, times.

/** RFC 3339, UTC, with milliseconds. */
export type Timestamp = string

export interface Page<T> {
  items: T[]
  /** The cursor of the next page; null or absent on the last one. */
  next?: string | null
}

export interface Problem {
  type?: string
  title?: string
  status?: number
  code: string
  /** A sentence that says what to do. */
  detail?: string
  errors?: ProblemLine[]
}

export interface ProblemLine {
  line?: number | null
  column?: number | null
  /** Of a form, by its path in what was sent. */
  field?: string | null
  message: string
}
