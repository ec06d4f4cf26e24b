import { describe, expect, it } from 'vitest'
import type { JobLine, JobStep, LogMark, StepState } from '@/api/types'
import { FoldIndex, MOST_MARKS, readLine } from './log-fold'

/** Lines as `step text`, numbered from `first`. */
function lines(texts: string[], first = 1): JobLine[] {
  return texts.map((text, index) => ({
    seq: first + index,
    at: '2026-01-01T00:00:00.000Z',
    step: Number(text.slice(0, 1)),
    stream: 'stdout',
    text: text.slice(2),
  }))
}

/** A log, its index, and what a reader sees. */
class Log {
  readonly index = new FoldIndex()
  private all: JobLine[] = []

  constructor(...texts: string[]) {
    this.add(...texts)
  }

  add(...texts: string[]) {
    const more = lines(texts, this.all.length + 1)
    this.all.push(...more)
    for (const line of more) this.index.add(line)
  }

  rows() {
    const { count, rowAt } = this.index.view()
    return Array.from({ length: count }, (_, row) => rowAt(row))
  }

  /** `#1` a step, `+title` a folded group, `-title` an open one, and lines. */
  seen(): string[] {
    return this.rows().map(row => {
      if (row?.kind === 'step') return `#${row.step}`
      if (row?.kind === 'group') return `${row.open ? '-' : '+'}${row.title}`
      const { text, level } = readLine(this.all[(row?.seq ?? 0) - 1]?.text ?? '')
      return level ? `${level}: ${text}` : text
    })
  }

  group(title: string) {
    const found = this.rows().find(row => row?.kind === 'group' && row.title === title)
    if (found?.kind !== 'group') throw new Error(`no group ${title}`)
    return found
  }
}

const steps = (...states: StepState[]) => states.map((state, number) => ({ number, state }) as JobStep)

const GROUPED = ['1 one', '1 ::group::Install', '1 two', '1 three', '1 ::endgroup::', '1 four']

describe('FoldIndex', () => {
  it('heads each step and folds groups that have ended', () => {
    const log = new Log('0 ready', ...GROUPED)
    expect(log.seen()).toEqual(['#0', 'ready', '#1', 'one', '+Install', 'four'])
    expect(log.group('Install')).toMatchObject({ seq: 3, last: 5 })
  })

  it('shows the same when it begins with an outline', () => {
    const log = new Log('0 ready', ...GROUPED, '2 ::group::A', '2 ::error::bad')
    const marks: LogMark[] = [
      { seq: 1, step: 0, kind: 'step' },
      { seq: 2, step: 1, kind: 'step' },
      { seq: 3, step: 1, kind: 'group', title: 'Install' },
      { seq: 6, step: 1, kind: 'endgroup' },
      { seq: 8, step: 2, kind: 'step' },
      { seq: 8, step: 2, kind: 'group', title: 'A' },
      { seq: 9, step: 2, kind: 'error' },
    ]
    const live = log.seen()
    log.index.begin(marks, 9)
    expect(log.seen()).toEqual(live)
    expect(live).toEqual(['#0', 'ready', '#1', 'one', '+Install', 'four', '#2', '-A', 'error: bad'])
    log.add('2 more')
    expect(log.seen().at(-1)).toBe('more')
  })

  it('keeps a group open while it is being written', () => {
    const log = new Log(...GROUPED.slice(0, 3))
    expect(log.seen()).toEqual(['#1', 'one', '-Install', 'two'])
    log.add(...GROUPED.slice(3))
    expect(log.seen()).toEqual(['#1', 'one', '+Install', 'four'])
  })

  it('ends a group where the next one or the next step begins', () => {
    const log = new Log('1 ::group::A', '1 a', '1 ::group::B', '1 b', '2 c')
    expect(log.seen()).toEqual(['#1', '+A', '+B', '#2', 'c'])
  })

  it('opens what went wrong: the last group of a failed step, and those with errors', () => {
    const log = new Log(
      ...['1 ::group::A', '1 ::error::bad', '1 ::group::B', '1 b', '1 ::group::C', '1 c', '1 ::endgroup::'],
      ...['2 ::group::D', '2 ::endgroup::'],
    )
    expect(log.seen()).toEqual(['#1', '+A', '+B', '+C', '#2', '+D'])
    log.index.setSteps(steps('success', 'failure', 'success'))
    expect(log.seen()).toEqual(['#1', '-A', 'error: bad', '+B', '-C', 'c', '#2', '+D'])
  })

  it('follows the reader, whatever else happens', () => {
    const log = new Log(...GROUPED)
    log.index.toggle(log.group('Install'))
    expect(log.seen()).toEqual(['#1', 'one', '-Install', 'two', 'three', 'four'])
    log.index.setSteps(steps('success', 'success'))
    log.add('1 five')
    expect(log.seen()).toEqual(['#1', 'one', '-Install', 'two', 'three', 'four', 'five'])
    const [step] = log.rows()
    if (step?.kind === 'step') log.index.toggle(step)
    log.add('1 six')
    expect(log.seen()).toEqual(['#1'])
  })

  it('reveals a line that a link or a search names', () => {
    const log = new Log(...GROUPED)
    expect(log.index.reveal(4)).toBe(4)
    expect(log.seen()).toEqual(['#1', 'one', '-Install', 'two', 'three', 'four'])
    expect(log.index.reveal(2)).toBe(2)
    expect(log.index.reveal(6)).toBe(5)
    expect(log.index.reveal(99)).toBe(-1)
    expect(log.index.revealStep(1)).toBe(0)
    expect(log.index.revealStep(5)).toBe(-1)
  })

  it('knows where a step ends', () => {
    const log = new Log(...GROUPED, '2 five', '4 six')
    expect([1, 2, 3, 4].map(step => log.index.endOf(step))).toEqual([3, 5, -1, 7])
  })

  it('leaves out what a resumed stream repeats', () => {
    const log = new Log('1 one', '1 two')
    for (const line of lines(['1 two'], 2)) log.index.add(line)
    log.add('1 three')
    expect(log.seen()).toEqual(['#1', 'one', 'two', 'three'])
    expect(log.index.view().lastSeq).toBe(3)
  })

  it('takes commands for text where they are not at the start', () => {
    const log = new Log('1 echo ::group::x', '1 ::warning::old', '1 ::notice::')
    expect(log.seen()).toEqual(['#1', 'echo ::group::x', 'warning: old', 'notice: '])
  })

  it('holds no more groups than it can, whatever a job writes', () => {
    const index = new FoldIndex()
    const texts = ['::group::x', '::endgroup::']
    for (let seq = 1; seq <= 2 * MOST_MARKS; seq++) {
      index.add({ seq, step: 1, at: '', stream: 'stdout', text: texts[(seq - 1) % 2] ?? '' } as JobLine)
    }
    const { count, rowAt } = index.view()
    // The step's heading, a heading a group, and every line after the last group.
    expect(count).toBe(1 + MOST_MARKS / 2 + MOST_MARKS)
    expect([rowAt(MOST_MARKS / 2)?.kind, rowAt(MOST_MARKS / 2 + 1)?.kind]).toEqual(['group', 'line'])
  })

  it('folds a log of a million lines by its outline alone', () => {
    const index = new FoldIndex()
    index.begin([{ seq: 1, step: 1, kind: 'step' }], 1_000_000)
    expect(index.view().count).toBe(1_000_001)
    expect(index.view().rowAt(500_000)).toEqual({ kind: 'line', seq: 500_000, grouped: false })
    expect(index.reveal(777_777)).toBe(777_777)
  })
})
