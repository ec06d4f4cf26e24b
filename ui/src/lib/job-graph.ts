// Where the boxes of a run's jobs stand and how the lines between them go. All sizes are known beforehand, so nothing
// has to be measured: columns are levels of `needs`, jobs of one matrix share a box, and a line that passes a column
// without ending there has a lane of its own between the boxes.
import type { Job } from '@/api/types'

export const BOX_WIDTH = 228
export const COLUMN_GAP = 52
export const ROW_HEIGHT = 36
/** The name above the jobs of a matrix. */
export const HEAD_HEIGHT = 28
const SPACE = 14
const LANE = 6
/** Round corners and where the lines end need some. */
const MARGIN = 4

/** All jobs of one key: one, or those of a matrix. */
export interface GraphBox {
  key: string
  jobs: Job[]
  /** The keys it waits for, as the workflow says. */
  needs: string[]
  column: number
  x: number
  y: number
  height: number
}

export interface GraphLine {
  from: string
  to: string
  /** For the `d` of an SVG path. */
  path: string
}

export interface JobGraph {
  boxes: GraphBox[]
  lines: GraphLine[]
  width: number
  height: number
}

/** A box, or the lane of a line that goes on to a later column. */
interface Item {
  box?: GraphBox
  height: number
  y: number
  /** What it hangs on, in the column before. */
  before: Item[]
}

/** `jobs`: the newest attempt of each, in the order of the workflow file. */
export function layOut(jobs: readonly Job[]): JobGraph {
  const boxes = toBoxes(jobs)
  setColumns(boxes)
  const columns: Item[][] = boxes.map(() => [])
  for (const box of boxes) columns[box.column]?.push({ box, height: box.height, y: 0, before: [] })
  const routes = addLanes(boxes, columns)
  for (const [column, items] of columns.entries()) place(items, column)
  return {
    boxes: columns.flatMap(items => items.flatMap(item => item.box ?? [])),
    lines: routes.map(toLine),
    width: Math.max(0, ...boxes.map(box => box.x + BOX_WIDTH)),
    height: Math.max(0, ...columns.flat().map(item => item.y + item.height)) + MARGIN,
  }
}

function toBoxes(jobs: readonly Job[]): GraphBox[] {
  const byKey = new Map<string, GraphBox>()
  for (const job of jobs) {
    const box = byKey.get(job.key) ?? { key: job.key, jobs: [], needs: job.needs, column: 0, x: 0, y: 0, height: 0 }
    box.jobs.push(job)
    byKey.set(job.key, box)
  }
  const boxes = [...byKey.values()]
  for (const box of boxes) {
    box.jobs.sort((a, b) => a.index - b.index)
    box.needs = box.needs.filter(key => byKey.has(key))
    box.height = box.jobs.length * ROW_HEIGHT + (box.jobs.length > 1 ? HEAD_HEIGHT : 0)
  }
  return boxes
}

/** One after the last of what it needs. As many rounds as boxes are enough, and end also where needs go in circles. */
function setColumns(boxes: GraphBox[]) {
  const columnOf = new Map(boxes.map(box => [box.key, 0]))
  for (let round = 0, changed = true; changed && round < boxes.length; round += 1) {
    changed = false
    for (const box of boxes) {
      const column = Math.max(0, ...box.needs.map(key => (columnOf.get(key) ?? 0) + 1))
      if (column === columnOf.get(box.key) || column >= boxes.length) continue
      columnOf.set(box.key, column)
      changed = true
    }
  }
  for (const box of boxes) box.column = columnOf.get(box.key) ?? 0
}

/** The way of each line from box to box, over lanes that are put into the columns between. */
function addLanes(boxes: GraphBox[], columns: Item[][]): Item[][] {
  const items = new Map(columns.flat().flatMap(item => (item.box ? [[item.box.key, item] as const] : [])))
  return directNeeds(boxes).flatMap(([from, to]) => {
    const [start, end] = [items.get(from), items.get(to)]
    if (!start?.box || !end?.box || end.box.column <= start.box.column) return []
    const route = [start]
    for (let column = start.box.column + 1; column < end.box.column; column += 1) {
      const lane: Item = { height: LANE, y: 0, before: route.slice(-1) }
      columns[column]?.push(lane)
      route.push(lane)
    }
    end.before.push(...route.slice(-1))
    return [[...route, end]]
  })
}

/** Needs without those that follow from others: of lint → test → deploy and lint → deploy, the last says nothing new. */
function directNeeds(boxes: GraphBox[]): [from: string, to: string][] {
  const needsOf = new Map(boxes.map(box => [box.key, box.needs]))
  const reach = (key: string, seen = new Set<string>()): Set<string> => {
    for (const need of needsOf.get(key) ?? []) {
      if (seen.has(need)) continue
      seen.add(need)
      reach(need, seen)
    }
    return seen
  }
  const reached = new Map(boxes.map(box => [box.key, reach(box.key)]))
  return boxes.flatMap(box =>
    box.needs
      .filter(need => !box.needs.some(other => other !== need && reached.get(other)?.has(need)))
      .map(need => [need, box.key] as [string, string]),
  )
}

/** From the top down, each as near as it can be to the middle of what it hangs on. */
function place(items: Item[], column: number) {
  const wanted = new Map(items.map((item, index) => [item, item.before.length ? mean(item.before.map(middle)) : index]))
  if (column > 0) items.sort((a, b) => (wanted.get(a) ?? 0) - (wanted.get(b) ?? 0))
  let free = MARGIN
  for (const item of items) {
    const ideal = item.before.length ? (wanted.get(item) ?? 0) - item.height / 2 : free
    item.y = Math.round(Math.max(free, ideal))
    free = item.y + item.height + SPACE
    if (!item.box) continue
    item.box.x = column * (BOX_WIDTH + COLUMN_GAP)
    item.box.y = item.y
  }
}

function toLine(route: Item[]): GraphLine {
  const [first, ...rest] = route
  const last = route.at(-1)
  const start = first?.box
  let x = (start?.x ?? 0) + BOX_WIDTH
  let path = `M${x} ${first ? middle(first) : 0}`
  let y = first ? middle(first) : 0
  for (const item of rest) {
    const to = middle(item)
    const bend = x + COLUMN_GAP / 2
    x += COLUMN_GAP
    path += y === to ? `H${x}` : `C${bend} ${y} ${bend} ${to} ${x} ${to}`
    y = to
    if (item !== last) {
      x += BOX_WIDTH
      path += `H${x}`
    }
  }
  return { from: start?.key ?? '', to: last?.box?.key ?? '', path }
}

const middle = (item: Item) => item.y + item.height / 2
const mean = (numbers: number[]) => numbers.reduce((sum, n) => sum + n, 0) / numbers.length
