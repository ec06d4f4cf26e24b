// The part of a log that is in the browser: chunks around what is looked at, asked for when they come into sight and
// forgotten when others do. A log of a million lines costs what some thousand cost.

/** Lines a chunk; what is asked for at once. */
export const CHUNK = 400
/** Chunks that are kept. */
const KEPT = 40
const AT_ONCE = 2
/** How long after a failure what is still in sight is asked for again. */
const AGAIN_MS = 5_000

interface Chunk<Line> {
  lines: Line[]
  /** How many lines the log had when the chunk was asked for: a short one may have grown since. */
  total: number
}

export interface LineCacheOptions<Line> {
  /** Lines from a place on, counted from 0. */
  fetch: (place: number, limit: number, signal: AbortSignal) => Promise<readonly Line[]>
  /** Something came. */
  changed: () => void
  failed: (error: unknown) => void
}

export class LineCache<Line> {
  total = 0
  private chunks = new Map<number, Chunk<Line>>()
  private wanted: number[] = []
  private readonly asked = new Set<number>()
  private abort = new AbortController()

  constructor(private readonly options: LineCacheOptions<Line>) {}

  /** Forgets everything: other lines are looked at from now on. */
  reset(total: number) {
    this.abort.abort()
    this.abort = new AbortController()
    this.total = total
    this.chunks = new Map()
    this.wanted = []
    this.asked.clear()
  }

  /** The line at a place, when it is here. */
  at(place: number): Line | undefined {
    return this.chunks.get(Math.floor(place / CHUNK))?.lines[place % CHUNK]
  }

  /** The next line of the log. It is kept when those before it in its chunk are here. */
  push(line: Line) {
    const number = Math.floor(this.total / CHUNK)
    const offset = this.total % CHUNK
    this.total += 1
    if (offset === 0) this.keep(number, { lines: [line], total: this.total })
    const chunk = this.chunks.get(number)
    if (chunk?.lines.length === offset) chunk.lines.push(line)
  }

  /** These places are in sight now; what was wanted before and has not begun to load is not wanted any more. */
  want(places: Iterable<number>) {
    const numbers = new Set<number>()
    for (const place of places) if (place < this.total) numbers.add(Math.floor(place / CHUNK))
    this.wanted = [...numbers]
    for (const number of this.wanted) this.refresh(number)
    this.load()
  }

  /** Puts it behind the others in the order in which they are forgotten. */
  private refresh(number: number) {
    const chunk = this.chunks.get(number)
    if (chunk) this.keep(number, chunk)
  }

  private keep(number: number, chunk: Chunk<Line>) {
    this.chunks.delete(number)
    this.chunks.set(number, chunk)
    for (const oldest of this.chunks.keys()) {
      if (this.chunks.size <= KEPT) return
      this.chunks.delete(oldest)
    }
  }

  private isMissing(number: number): boolean {
    const chunk = this.chunks.get(number)
    if (!chunk) return true
    const length = Math.min(CHUNK, this.total - number * CHUNK)
    return chunk.lines.length < length && chunk.total < this.total
  }

  private load() {
    for (const number of this.wanted) {
      if (this.asked.size >= AT_ONCE) return
      if (!this.asked.has(number) && this.isMissing(number)) void this.fetch(number)
    }
  }

  private async fetch(number: number) {
    const { abort, total } = this
    this.asked.add(number)
    try {
      const lines = await this.options.fetch(number * CHUNK, CHUNK, abort.signal)
      if (abort.signal.aborted) return
      const known = this.chunks.get(number)
      // While it was under way, more lines may have come by the stream than by this answer.
      if (!known || known.lines.length < lines.length) this.keep(number, { lines: [...lines], total })
      else known.total = Math.max(known.total, total)
      this.asked.delete(number)
      this.options.changed()
      this.load()
    } catch (error) {
      if (abort.signal.aborted) return
      this.asked.delete(number)
      this.options.failed(error)
      setTimeout(() => {
        if (!abort.signal.aborted) this.load()
      }, AGAIN_MS)
    }
  }
}
