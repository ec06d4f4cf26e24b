// The log of a job as rows that fold: a heading a step, `::group::` lines as headings of what follows them. It knows
// where steps and groups begin and end (the outline, then line by line what comes by stream) and not what they say, so
// that a log of any length folds; the lines themselves are in line-cache.ts.
import type { AnnotationLevel, JobLine, JobStep, LogMark, StepState } from '@/api/types'
import { plainText } from './ansi'

export type LineLevel = AnnotationLevel | 'debug'

interface Heading {
  id: string
  /** The line it begins with. */
  seq: number
  open: boolean
}

/** Lines that are shown one after the other. */
interface Lines {
  kind: 'lines'
  first: number
  last: number
}

export interface GroupRow extends Heading {
  kind: 'group'
  title: string
  /** The last line of it. */
  last: number
  ended: boolean
  /** It holds a line of level error. */
  failed: boolean
}

export interface StepRow extends Heading {
  kind: 'step'
  step: number
  content: (Lines | GroupRow)[]
}

export interface ContentRow {
  kind: 'line'
  seq: number
  grouped: boolean
}

export type LogRow = StepRow | GroupRow | ContentRow

/** Rows that lie one below the other: a heading, or lines. */
interface Stretch {
  /** The row it begins with. */
  row: number
  heading?: StepRow | GroupRow
  first: number
  grouped: boolean
}

/** What a viewer shows of a log at one moment. */
export interface FoldView {
  count: number
  lastSeq: number
  rowAt: (row: number) => LogRow | undefined
}

/** Beginnings and ends of groups that are known at most, as in the server's outline; later ones stay text. */
export const MOST_MARKS = 20_000

const COMMAND = /^::(group|endgroup|notice|warning|error|debug)::(.*)$/s
const FAILED: StepState[] = ['failure', 'timed_out']

/** The text of a line without the command it begins with, and the level that the command gives to it. */
export function readLine(text: string): { text: string; level: LineLevel | null } {
  const [, command, rest = ''] = COMMAND.exec(text) ?? []
  if (!command || command === 'group' || command === 'endgroup') return { text, level: null }
  return { text: rest, level: command as LineLevel }
}

export class FoldIndex {
  lastSeq = 0
  private stretches: Stretch[] = []
  private count = 0
  private isStale = false
  private steps: StepRow[] = []
  private group: GroupRow | null = null
  private marks = 0
  private states = new Map<number, StepState>()
  /** What the reader opened or closed by hand. */
  private readonly chosen = new Map<string, boolean>()

  /** Begins again with what is known of a log up to a line. */
  begin(marks: readonly LogMark[], lastSeq: number) {
    this.steps = []
    this.group = null
    this.marks = 0
    this.lastSeq = 0
    for (const mark of marks) {
      this.take(mark.seq - 1)
      this.mark(mark)
    }
    this.take(lastSeq)
    this.isStale = true
  }

  /** The next line. */
  add(line: JobLine) {
    if (line.seq <= this.lastSeq) return
    this.take(line.seq - 1)
    const { seq, step } = line
    if (this.steps.at(-1)?.step !== step) this.mark({ seq, step, kind: 'step' })
    const [, command, title = ''] = COMMAND.exec(line.text) ?? []
    const isFull = this.marks >= MOST_MARKS
    if (command === 'group' && !isFull) this.mark({ seq, step, kind: 'group', title })
    else if (command === 'endgroup' && (this.group || !isFull)) this.mark({ seq, step, kind: command })
    else if (command === 'error') this.mark({ seq, step, kind: command })
    this.take(seq)
    this.isStale = true
  }

  view(): FoldView {
    if (this.isStale) this.rebuild()
    const { stretches, count, lastSeq } = this
    return { count, lastSeq, rowAt: row => rowOf(stretches, count, row) }
  }

  /** How the steps stand decides which groups are open. */
  setSteps(steps: readonly JobStep[]) {
    if (!steps.some(step => this.states.get(step.number) !== step.state)) return
    this.states = new Map(steps.map(step => [step.number, step.state]))
    this.isStale = true
  }

  toggle(row: StepRow | GroupRow) {
    this.chosen.set(row.id, !row.open)
    this.isStale = true
  }

  /** Opens what a line is folded into; its position, or -1 when there is no such line. */
  reveal(seq: number): number {
    const step = this.steps.findLast(each => each.seq <= seq)
    if (!step || seq > this.lastSeq) return -1
    const group = step.content.findLast(each => each.kind === 'group' && each.seq <= seq)
    this.chosen.set(step.id, true)
    if (group?.kind === 'group' && group.seq < seq && group.last >= seq) this.chosen.set(group.id, true)
    this.rebuild()
    return this.rowOfLine(seq)
  }

  /** Opens a step; the position of its heading, or -1 when it has written nothing. */
  revealStep(number: number): number {
    const step = this.steps.find(each => each.step === number)
    if (!step) return -1
    this.chosen.set(step.id, true)
    this.rebuild()
    return this.headingAt(step)
  }

  /** The position of the last row of a step, or -1 when it has written nothing. */
  endOf(number: number): number {
    const step = this.steps.findLast(each => each.step === number)
    if (!step) return -1
    if (this.isStale) this.rebuild()
    const next = this.steps[this.steps.indexOf(step) + 1]
    return (next ? this.headingAt(next) : this.count) - 1
  }

  /** Lines up to this one belong to what is open. */
  private take(last: number) {
    const step = this.steps.at(-1)
    const first = this.lastSeq + 1
    if (!step || last < first) return
    this.lastSeq = last
    if (this.group) {
      this.group.last = last
      return
    }
    const end = step.content.at(-1)
    if (end?.kind === 'lines' && end.last === first - 1) end.last = last
    else step.content.push({ kind: 'lines', first, last })
  }

  private mark({ seq, step: number, kind, title = '' }: LogMark) {
    if (kind === 'error') {
      if (this.group) this.group.failed = true
      return
    }
    this.endGroup()
    if (kind === 'step') {
      // A step may begin with a group: that line is the group's.
      this.steps.push({ kind, id: `step-${number}-${seq}`, step: number, seq, content: [], open: true })
      this.lastSeq = seq - 1
      return
    }
    this.marks += 1
    this.lastSeq = seq
    if (kind === 'endgroup') return
    const group: GroupRow = {
      kind,
      id: `group-${seq}`,
      seq,
      title: plainText(title),
      last: seq,
      ended: false,
      failed: false,
      open: true,
    }
    this.group = group
    this.steps.at(-1)?.content.push(group)
  }

  private endGroup() {
    if (this.group) this.group.ended = true
    this.group = null
  }

  /** A group that has ended folds, unless there is a reason to look into it. */
  private isGroupOpen(step: StepRow, group: GroupRow, isLast: boolean): boolean {
    const chosen = this.chosen.get(group.id)
    if (chosen !== undefined) return chosen
    if (!group.ended) return true
    return FAILED.includes(this.states.get(step.step) ?? 'queued') && (group.failed || isLast)
  }

  private rebuild() {
    this.isStale = false
    this.stretches = []
    this.count = 0
    for (const step of this.steps) {
      step.open = this.chosen.get(step.id) ?? true
      this.showHeading(step)
      if (!step.open) continue
      const lastGroup = step.content.findLast(each => each.kind === 'group')
      for (const part of step.content) {
        if (part.kind === 'lines') {
          this.showLines(part.first, part.last, false)
          continue
        }
        part.open = this.isGroupOpen(step, part, part === lastGroup)
        this.showHeading(part)
        if (part.open) this.showLines(part.seq + 1, part.last, true)
      }
    }
  }

  private showHeading(heading: StepRow | GroupRow) {
    this.stretches.push({ row: this.count, heading, first: heading.seq, grouped: false })
    this.count += 1
  }

  private showLines(first: number, last: number, grouped: boolean) {
    if (last < first) return
    this.stretches.push({ row: this.count, first, grouped })
    this.count += last - first + 1
  }

  private headingAt(heading: StepRow | GroupRow): number {
    return this.stretches.find(stretch => stretch.heading === heading)?.row ?? -1
  }

  private rowOfLine(seq: number): number {
    for (const [index, { row, heading, first }] of this.stretches.entries()) {
      if (heading?.kind === 'group' && first === seq) return row
      const end = this.stretches[index + 1]?.row ?? this.count
      if (!heading && first <= seq && seq < first + end - row) return row + seq - first
    }
    return -1
  }
}

/** The number of the line that a row shows. */
export function seqOf(row: LogRow): number {
  return row.seq
}

function rowOf(stretches: readonly Stretch[], count: number, row: number): LogRow | undefined {
  if (row < 0 || row >= count) return undefined
  let low = 0
  let high = stretches.length - 1
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if ((stretches[middle]?.row ?? 0) <= row) low = middle
    else high = middle - 1
  }
  const stretch = stretches[low]
  if (!stretch) return undefined
  return stretch.heading ?? { kind: 'line', seq: stretch.first + row - stretch.row, grouped: stretch.grouped }
}
