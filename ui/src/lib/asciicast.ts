// Recordings of terminals: asciinema's format, version 2.

export interface Cast {
  cols: number
  rows: number
  title: string
  /** Seconds. */
  length: number
  events: CastEvent[]
}

export type CastEvent =
  | { at: number; kind: 'output'; text: string }
  | { at: number; kind: 'resize'; cols: number; rows: number }

/** Reads a recording; a last line that was cut off in the middle of writing is left out. */
export function parseCast(text: string): Cast {
  const [first = '', ...lines] = text.split('\n')
  const header = parseJson(first) as { version?: number; width?: number; height?: number; title?: string } | undefined
  if (header?.version !== 2) throw new Error('This is no recording of a terminal that this page can play.')
  const events = lines.flatMap(line => parseEvent(line) ?? [])
  return {
    cols: header.width ?? 80,
    rows: header.height ?? 24,
    title: header.title ?? '',
    length: events.at(-1)?.at ?? 0,
    events,
  }
}

/** The same recording with every pause cut to `longest` seconds. */
export function withoutPauses(cast: Cast, longest: number): Cast {
  let before = 0
  let at = 0
  const events = cast.events.map(event => {
    at += Math.min(longest, Math.max(0, event.at - before))
    before = event.at
    return { ...event, at }
  })
  return { ...cast, events, length: at }
}

function parseEvent(line: string): CastEvent | null {
  const event = parseJson(line)
  if (!Array.isArray(event)) return null
  const [at, code, data] = event as [unknown, unknown, unknown]
  if (typeof at !== 'number' || typeof data !== 'string') return null
  if (code === 'o') return { at, kind: 'output', text: data }
  const size = code === 'r' ? /^(\d+)x(\d+)$/.exec(data) : null
  return size ? { at, kind: 'resize', cols: Number(size[1]), rows: Number(size[2]) } : null
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
