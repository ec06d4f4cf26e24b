// The log of a job as rows that fold: a heading a step, `::group::` lines as headings of what follows them, the other
// commands as lines with a level. Like log-index.ts it is kept up to date line by line.
import type { AnnotationLevel, JobLine, JobStep, StepState } from '@/api/types'
import { plainText } from './ansi'

export type LineLevel = AnnotationLevel | 'debug'

interface Fold {
  id: string
  /** The line it begins with. */
  seq: number
  lines: ContentRow[]
  open: boolean
}

export interface GroupRow extends Fold {
  kind: 'group'
  title: string
  ended: boolean
  /** It holds a line of level error. */
  failed: boolean
}

export interface StepRow extends Omit<Fold, 'lines'> {
  kind: 'step'
  step: number
  content: (ContentRow | GroupRow)[]
}

export interface ContentRow {
  kind: 'line'
  line: JobLine
  /** Without the command that it began with. */
  text: string
  level: LineLevel | null
  grouped: boolean
}

export type LogRow = StepRow | GroupRow | ContentRow

/** What a viewer shows of a log at one moment. */
export interface FoldView {
  rows: readonly LogRow[]
  /** Positions in `rows`. */
  hits: readonly number[]
  lastSeq: number
}

const COMMAND = /^::(group|endgroup|notice|warning|error|debug)::(.*)$/s
const FAILED: StepState[] = ['failure', 'timed_out']

export class FoldIndex {
  lastSeq = 0
  private rows: LogRow[] = []
  private hits: number[] = []
  private readonly steps: StepRow[] = []
  private group: GroupRow | null = null
  private states = new Map<number, StepState>()
  /** What the reader opened or closed by hand. */
  private readonly chosen = new Map<string, boolean>()
  private needle = ''

  view(): FoldView {
    return { rows: this.rows, hits: this.hits, lastSeq: this.lastSeq }
  }

  /** Adds lines in order; those that are already here (a resumed stream may repeat some) are left out. */
  add(lines: readonly JobLine[]) {
    for (const line of lines) {
      if (line.seq <= this.lastSeq) continue
      this.lastSeq = line.seq
      this.append(line)
    }
  }

  /** How the steps stand decides which groups are open. */
  setSteps(steps: readonly JobStep[]) {
    const changed = steps.some(step => this.states.get(step.number) !== step.state)
    if (!changed) return
    this.states = new Map(steps.map(step => [step.number, step.state]))
    this.rebuild()
  }

  setQuery(query: string) {
    this.needle = query.toLowerCase()
    this.rebuild()
  }

  toggle(row: StepRow | GroupRow) {
    this.chosen.set(row.id, !row.open)
    this.rebuild()
  }

  /** Opens what a line is folded into; its position, or -1 when there is no such line. */
  reveal(seq: number): number {
    const step = this.steps.findLast(each => each.seq <= seq)
    const group = step?.content.findLast(each => each.kind === 'group' && each.seq <= seq)
    if (step) this.chosen.set(step.id, true)
    if (group?.kind === 'group' && (group.lines.at(-1)?.line.seq ?? 0) >= seq) this.chosen.set(group.id, true)
    this.rebuild()
    return this.rows.findIndex(row => seqOf(row) === seq && row.kind !== 'step')
  }

  /** Opens a step; the position of its heading, or -1 when it has written nothing. */
  revealStep(number: number): number {
    const step = this.steps.find(each => each.step === number)
    if (!step) return -1
    this.chosen.set(step.id, true)
    this.rebuild()
    return this.rows.indexOf(step)
  }

  /** The position of the last row of a step, or -1 when it has written nothing. */
  endOf(number: number): number {
    const step = this.steps.findLast(each => each.step === number)
    if (!step) return -1
    const next = this.steps[this.steps.indexOf(step) + 1]
    return (next ? this.rows.indexOf(next) : this.rows.length) - 1
  }

  private append(line: JobLine) {
    const step = this.stepOf(line)
    const [, command, rest = ''] = COMMAND.exec(line.text) ?? []
    if (command === 'group' || command === 'endgroup') this.endGroup(step)
    if (command === 'endgroup') return
    if (command === 'group') {
      this.group = newGroup(line, rest)
      step.content.push(this.group)
      this.group.open = this.isGroupOpen(step, this.group)
      if (step.open) this.show(this.group)
      return
    }
    const level = (command as LineLevel | undefined) ?? null
    const row: ContentRow = {
      kind: 'line',
      line,
      text: command ? rest : line.text,
      level,
      grouped: this.group !== null,
    }
    if (this.group) {
      this.group.lines.push(row)
      this.group.failed ||= level === 'error'
    } else step.content.push(row)
    if (step.open && (this.group?.open ?? true)) this.show(row)
  }

  /** The heading that a line belongs under: that of the step before, or a new one. */
  private stepOf(line: JobLine): StepRow {
    const last = this.steps.at(-1)
    if (last?.step === line.step) return last
    if (last) this.endGroup(last)
    const step: StepRow = {
      kind: 'step',
      id: `step-${line.step}-${line.seq}`,
      step: line.step,
      seq: line.seq,
      content: [],
      open: true,
    }
    this.steps.push(step)
    this.show(step)
    return step
  }

  /** A group that has ended folds, unless there is a reason to look into it. */
  private endGroup(step: StepRow) {
    const group = this.group
    this.group = null
    if (!group) return
    group.ended = true
    const open = this.isGroupOpen(step, group)
    if (open === group.open) return
    group.open = open
    const heading = this.rows.lastIndexOf(group)
    if (heading < 0) return
    this.rows.length = heading + 1
    this.hits = this.hits.filter(position => position <= heading)
  }

  private isGroupOpen(step: StepRow, group: GroupRow): boolean {
    if (this.needle !== '') return true
    const chosen = this.chosen.get(group.id)
    if (chosen !== undefined) return chosen
    if (!group.ended) return true
    const failed = FAILED.includes(this.states.get(step.step) ?? 'queued')
    return failed && (group.failed || step.content.findLast(row => row.kind === 'group') === group)
  }

  private rebuild() {
    this.rows = []
    this.hits = []
    for (const step of this.steps) {
      step.open = this.needle !== '' || (this.chosen.get(step.id) ?? true)
      this.show(step)
      if (!step.open) continue
      for (const row of step.content) {
        this.show(row)
        if (row.kind !== 'group') continue
        row.open = this.isGroupOpen(step, row)
        if (row.open) for (const line of row.lines) this.show(line)
      }
    }
  }

  private show(row: LogRow) {
    this.rows.push(row)
    if (this.needle !== '' && textOf(row).toLowerCase().includes(this.needle)) this.hits.push(this.rows.length - 1)
  }
}

/** The number of the line that a row shows. */
export function seqOf(row: LogRow): number {
  return row.kind === 'line' ? row.line.seq : row.seq
}

function newGroup(line: JobLine, title: string): GroupRow {
  const id = `group-${line.seq}`
  return {
    kind: 'group',
    id,
    seq: line.seq,
    title: plainText(title),
    lines: [],
    ended: false,
    failed: false,
    open: true,
  }
}

function textOf(row: LogRow): string {
  if (row.kind === 'line') return plainText(row.text)
  return row.kind === 'group' ? row.title : ''
}
