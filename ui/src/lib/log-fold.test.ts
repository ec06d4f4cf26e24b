import { describe, expect, it } from 'vitest'
import type { JobLine, JobStep, StepState } from '@/api/types'
import { FoldIndex, type LogRow } from './log-fold'

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

const steps = (...states: StepState[]) => states.map((state, number) => ({ number, state }) as JobStep)

/** What a reader sees: `#1` a step, `+title` a folded group, `-title` an open one, and lines. */
function seen(rows: readonly LogRow[]): string[] {
  return rows.map(row => {
    if (row.kind === 'step') return `#${row.step}`
    if (row.kind === 'group') return `${row.open ? '-' : '+'}${row.title}`
    return row.level ? `${row.level}: ${row.text}` : row.text
  })
}

const find = (index: FoldIndex, title: string) => {
  const row = index.view().rows.find(each => each.kind === 'group' && each.title === title)
  if (row?.kind !== 'group') throw new Error(`no group ${title}`)
  return row
}

const GROUPED = ['1 one', '1 ::group::Install', '1 two', '1 three', '1 ::endgroup::', '1 four']

describe('FoldIndex', () => {
  it('heads each step and folds groups that have ended', () => {
    const index = new FoldIndex()
    index.add(lines(['0 ready', ...GROUPED]))
    expect(seen(index.view().rows)).toEqual(['#0', 'ready', '#1', 'one', '+Install', 'four'])
    expect(find(index, 'Install').lines).toHaveLength(2)
  })

  it('keeps a group open while it is being written', () => {
    const index = new FoldIndex()
    index.add(lines(GROUPED.slice(0, 3)))
    expect(seen(index.view().rows)).toEqual(['#1', 'one', '-Install', 'two'])
    index.add(lines(GROUPED.slice(3), 4))
    expect(seen(index.view().rows)).toEqual(['#1', 'one', '+Install', 'four'])
  })

  it('ends a group where the next one or the next step begins', () => {
    const index = new FoldIndex()
    index.add(lines(['1 ::group::A', '1 a', '1 ::group::B', '1 b', '2 c']))
    expect(seen(index.view().rows)).toEqual(['#1', '+A', '+B', '#2', 'c'])
  })

  it('opens what went wrong: the last group of a failed step, and those with errors', () => {
    const index = new FoldIndex()
    index.add(
      lines([
        '1 ::group::A',
        '1 ::error::bad',
        '1 ::group::B',
        '1 b',
        '1 ::group::C',
        '1 c',
        '1 ::endgroup::',
        '2 ::group::D',
        '2 ::endgroup::',
      ]),
    )
    expect(seen(index.view().rows)).toEqual(['#1', '+A', '+B', '+C', '#2', '+D'])
    index.setSteps(steps('success', 'failure', 'success'))
    expect(seen(index.view().rows)).toEqual(['#1', '-A', 'error: bad', '+B', '-C', 'c', '#2', '+D'])
  })

  it('follows the reader, whatever else happens', () => {
    const index = new FoldIndex()
    index.add(lines(GROUPED))
    index.toggle(find(index, 'Install'))
    expect(seen(index.view().rows)).toEqual(['#1', 'one', '-Install', 'two', 'three', 'four'])
    index.setSteps(steps('success', 'success'))
    index.add(lines(['1 five'], 7))
    expect(seen(index.view().rows)).toEqual(['#1', 'one', '-Install', 'two', 'three', 'four', 'five'])
    const [step] = index.view().rows
    if (step?.kind === 'step') index.toggle(step)
    index.add(lines(['1 six'], 8))
    expect(seen(index.view().rows)).toEqual(['#1'])
  })

  it('searches also what is folded, and opens it', () => {
    const index = new FoldIndex()
    index.add(lines(GROUPED))
    index.setQuery('TH')
    expect(seen(index.view().rows)).toEqual(['#1', 'one', '-Install', 'two', 'three', 'four'])
    expect(index.view().hits).toEqual([4])
    index.add(lines(['1 third'], 7))
    expect(index.view().hits).toEqual([4, 6])
    index.setQuery('')
    expect(seen(index.view().rows)).toEqual(['#1', 'one', '+Install', 'four', 'third'])
    expect(index.view().hits).toEqual([])
  })

  it('reveals a line that a link names', () => {
    const index = new FoldIndex()
    index.add(lines(GROUPED))
    expect(index.reveal(4)).toBe(4)
    expect(seen(index.view().rows)).toEqual(['#1', 'one', '-Install', 'two', 'three', 'four'])
    expect(index.reveal(99)).toBe(-1)
    expect(index.revealStep(1)).toBe(0)
    expect(index.revealStep(5)).toBe(-1)
  })

  it('knows where a step ends', () => {
    const index = new FoldIndex()
    index.add(lines([...GROUPED, '2 five', '4 six']))
    expect([1, 2, 3, 4].map(step => index.endOf(step))).toEqual([3, 5, -1, 7])
  })

  it('leaves out what a resumed stream repeats', () => {
    const index = new FoldIndex()
    index.add(lines(['1 one', '1 two']))
    index.add(lines(['1 two', '1 three'], 2))
    expect(seen(index.view().rows)).toEqual(['#1', 'one', 'two', 'three'])
    expect(index.view().lastSeq).toBe(3)
  })

  it('takes commands for text where they are not at the start', () => {
    const index = new FoldIndex()
    index.add(lines(['1 echo ::group::x', '1 ::warning::old', '1 ::notice::']))
    expect(seen(index.view().rows)).toEqual(['#1', 'echo ::group::x', 'warning: old', 'notice: '])
  })
})
