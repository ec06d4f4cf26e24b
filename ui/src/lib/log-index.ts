// Which lines of a log are shown and which of those hold what is searched for. Kept up to date line by line, so that
// a long log that is still growing is never walked again for each new line.
import type { LogLine } from '@/api/types'
import { plainText } from './ansi'

/** undefined: any; host null: the server. */
export interface LogFilter {
  host?: string | null
  step?: number
}

/** What a viewer shows of an index at one moment. */
export interface LogView {
  visible: readonly LogLine[]
  /** Positions in `visible`. */
  hits: readonly number[]
  /** How many lines there are with no filter. */
  size: number
  lastSeq: number
}

export class LogIndex {
  /** Lines that pass the filter, in order. */
  visible: LogLine[] = []
  /** Positions in `visible` of lines that hold the searched text. */
  hits: number[] = []

  private readonly all: LogLine[] = []
  private filter: LogFilter = {}
  private needle = ''

  get lastSeq(): number {
    return this.all.at(-1)?.seq ?? 0
  }

  get size(): number {
    return this.all.length
  }

  view(): LogView {
    return { visible: this.visible, hits: this.hits, size: this.size, lastSeq: this.lastSeq }
  }

  /** Adds lines in order; those that are already here (a resumed stream may repeat some) are left out. */
  add(lines: readonly LogLine[]) {
    for (const line of lines) {
      if (line.seq <= this.lastSeq) continue
      this.all.push(line)
      this.show(line)
    }
  }

  setFilter(filter: LogFilter) {
    this.filter = { ...filter }
    this.rebuild()
  }

  setQuery(query: string) {
    this.needle = query.toLowerCase()
    this.hits = []
    if (this.needle === '') return
    this.visible.forEach((line, position) => {
      if (this.holds(line)) this.hits.push(position)
    })
  }

  private rebuild() {
    this.visible = []
    this.hits = []
    for (const line of this.all) this.show(line)
  }

  private show(line: LogLine) {
    if (!this.passes(line)) return
    this.visible.push(line)
    if (this.needle !== '' && this.holds(line)) this.hits.push(this.visible.length - 1)
  }

  private passes(line: LogLine): boolean {
    const { host, step } = this.filter
    return (host === undefined || line.host === host) && (step === undefined || line.step === step)
  }

  private holds(line: LogLine): boolean {
    return plainText(line.text).toLowerCase().includes(this.needle)
  }
}
