import { describe, expect, it } from 'vitest'
import type { LogLine } from '@/api/types'
import { LogIndex } from './log-index'

function line(seq: number, text: string, host: string | null = null, step = 1): LogLine {
  return { seq, text, host, step, at: '2026-01-01T00:00:00.000Z', stream: 'stdout' }
}

function seqs(index: LogIndex): number[] {
  return index.visible.map(item => item.seq)
}

describe('LogIndex', () => {
  it('takes each line once, in order, also when a resumed stream repeats some', () => {
    const index = new LogIndex()
    index.add([line(1, 'a'), line(2, 'b')])
    index.add([line(2, 'b'), line(3, 'c')])
    expect(seqs(index)).toEqual([1, 2, 3])
    expect(index.lastSeq).toBe(3)
  })

  it('tells the server from any host', () => {
    const index = new LogIndex()
    index.add([line(1, 'a'), line(2, 'b', 'web-1', 4), line(3, 'c', 'web-1', 5), line(4, 'd', 'web-2', 5)])
    index.setFilter({ host: null })
    expect(seqs(index)).toEqual([1])
    index.setFilter({ host: 'web-1' })
    expect(seqs(index)).toEqual([2, 3])
    index.setFilter({ step: 5 })
    expect(seqs(index)).toEqual([3, 4])
    index.setFilter({ host: 'web-1', step: 5 })
    expect(seqs(index)).toEqual([3])
    index.setFilter({})
    expect(seqs(index)).toEqual([1, 2, 3, 4])
  })

  it('filters and searches lines that come later', () => {
    const index = new LogIndex()
    index.setFilter({ host: 'web-1' })
    index.setQuery('Err')
    index.add([line(1, 'error'), line(2, 'fine', 'web-1'), line(3, 'an \u001b[31mERR\u001b[0mor', 'web-1')])
    expect(seqs(index)).toEqual([2, 3])
    expect(index.hits).toEqual([1])
    index.setFilter({})
    expect(index.hits).toEqual([0, 2])
    index.setQuery('')
    expect(index.hits).toEqual([])
  })

  it('does not search in escape sequences', () => {
    const index = new LogIndex()
    index.add([line(1, '\u001b[31mred\u001b[0m')])
    index.setQuery('31m')
    expect(index.hits).toEqual([])
  })
})
