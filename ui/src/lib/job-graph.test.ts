import { describe, expect, it } from 'vitest'
import type { Job } from '@/api/types'
import { BOX_WIDTH, COLUMN_GAP, HEAD_HEIGHT, layOut, ROW_HEIGHT } from './job-graph'

function jobs(...specs: [key: string, needs?: string[], copies?: number][]): Job[] {
  return specs.flatMap(([key, needs = [], copies = 1]) =>
    Array.from({ length: copies }, (_, index) => ({ key, needs, index, id: index, name: key }) as Job),
  )
}

const places = (graph: ReturnType<typeof layOut>) =>
  Object.fromEntries(graph.boxes.map(box => [box.key, [box.column, box.y]]))
const ends = (graph: ReturnType<typeof layOut>) => graph.lines.map(line => `${line.from} ${line.to}`).sort()

describe('layOut', () => {
  it('puts each job one column after the last of what it needs', () => {
    const graph = layOut(jobs(['deploy', ['build', 'test']], ['test', ['build']], ['build'], ['lint']))
    expect(Object.fromEntries(graph.boxes.map(box => [box.key, box.column]))).toEqual({
      build: 0,
      lint: 0,
      test: 1,
      deploy: 2,
    })
    expect(graph.width).toBe(3 * BOX_WIDTH + 2 * COLUMN_GAP)
  })

  it('keeps a chain on one straight line', () => {
    const graph = layOut(jobs(['a'], ['b', ['a']], ['c', ['b']]))
    expect(new Set(graph.boxes.map(box => box.y)).size).toBe(1)
    expect(graph.lines.every(line => !line.path.includes('C'))).toBe(true)
  })

  it('gives the jobs of a matrix one box, in their order', () => {
    const [box] = layOut([...jobs(['test', [], 3])].reverse()).boxes
    expect(box?.jobs.map(job => job.index)).toEqual([0, 1, 2])
    expect(box?.height).toBe(3 * ROW_HEIGHT + HEAD_HEIGHT)
  })

  it('leaves out lines that follow from others', () => {
    const graph = layOut(jobs(['lint'], ['test', ['lint']], ['deploy', ['test', 'lint']]))
    expect(ends(graph)).toEqual(['lint test', 'test deploy'])
  })

  it('leads a long line past the boxes between', () => {
    const graph = layOut(jobs(['a'], ['x'], ['b', ['a']], ['c', ['b']], ['end', ['c', 'x']]))
    const { b, x } = places(graph)
    const line = graph.lines.find(each => each.from === 'x')
    // It runs level through the column of b, below b.
    expect(line?.path).toMatch(/H\d+.*H\d+/)
    const through = Number(/C\S+ \S+ \S+ (\S+) \S+ \S+H/.exec(line?.path ?? '')?.[1] ?? x?.[1])
    expect(through).toBeGreaterThan((b?.[1] ?? 0) + ROW_HEIGHT)
  })

  it('lets no two boxes of a column overlap', () => {
    const graph = layOut(
      jobs(['a', [], 4], ['b'], ['c', ['b']], ['d', ['a']], ['e', ['b'], 2], ['f', ['c', 'd', 'e']], ['g', ['a']]),
    )
    for (const box of graph.boxes) {
      const others = graph.boxes.filter(other => other !== box && other.column === box.column)
      for (const other of others) {
        expect(other.y >= box.y + box.height || box.y >= other.y + other.height, `${box.key} ${other.key}`).toBe(true)
      }
      expect(box.y + box.height).toBeLessThanOrEqual(graph.height)
    }
  })

  it('ends with what no workflow may say: circles and unknown names', () => {
    const graph = layOut(jobs(['a', ['b']], ['b', ['a']], ['c', ['gone']]))
    expect(graph.boxes).toHaveLength(3)
    expect(places(graph).c?.[0]).toBe(0)
  })

  it('is nothing without jobs', () => {
    expect(layOut([])).toMatchObject({ boxes: [], lines: [], width: 0 })
  })
})
