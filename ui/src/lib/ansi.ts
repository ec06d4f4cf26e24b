// Terminal text to styled pieces. Pieces become text nodes, never HTML, so nothing in a log can be markup.
import Anser from 'anser'

export interface Piece {
  text: string
  classes: string[]
  style?: { color?: string; backgroundColor?: string }
}

export interface MarkedPiece extends Piece {
  /** Part of what the reader searched for. */
  hit: boolean
}

const ESCAPE = '\u001b'
// Control sequences (colours, cursor moves), and titles or links that end in BEL or ST.
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are made of control characters
const SEQUENCES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?|[@-Z\\-_])/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are made of control characters
const TITLES = /\u001b\][^\u0007\u001b]*(?:\u0007|\u001b\\)?/g

/** The text without its escape sequences; of a line redrawn with carriage returns, the last drawing. */
export function plainText(raw: string): string {
  const text = raw.includes(ESCAPE) ? raw.replace(SEQUENCES, '') : raw
  return text.includes('\r') ? lastDrawing(text) : text
}

/** Splits a log line at its colour changes. */
export function toPieces(raw: string): Piece[] {
  const text = raw.includes('\r') ? lastDrawing(raw) : raw
  if (!text.includes(ESCAPE)) return text === '' ? [] : [{ text, classes: [] }]
  const entries = Anser.ansiToJson(text.replace(TITLES, ''), { json: true, use_classes: true, remove_empty: true })
  return entries.map(toPiece)
}

/** Cuts pieces where `query` (compared without regard to case) begins and ends, also across colour changes. */
export function markHits(pieces: Piece[], query: string): MarkedPiece[] {
  const needle = query.toLowerCase()
  if (needle === '') return pieces.map(piece => ({ ...piece, hit: false }))
  const ranges = findRanges(
    pieces
      .map(piece => piece.text)
      .join('')
      .toLowerCase(),
    needle,
  )
  const marked: MarkedPiece[] = []
  let offset = 0
  for (const piece of pieces) {
    marked.push(...cut(piece, offset, ranges))
    offset += piece.text.length
  }
  return marked
}

type Range = readonly [start: number, end: number]

function findRanges(haystack: string, needle: string): Range[] {
  const ranges: Range[] = []
  for (let at = haystack.indexOf(needle); at >= 0; at = haystack.indexOf(needle, at + needle.length)) {
    ranges.push([at, at + needle.length])
  }
  return ranges
}

function cut(piece: Piece, offset: number, ranges: Range[]): MarkedPiece[] {
  const out: MarkedPiece[] = []
  const end = piece.text.length
  let at = 0
  for (const [rangeStart, rangeEnd] of ranges) {
    const from = Math.max(rangeStart - offset, at)
    const to = Math.min(rangeEnd - offset, end)
    if (to <= from) continue
    if (from > at) out.push({ ...piece, text: piece.text.slice(at, from), hit: false })
    out.push({ ...piece, text: piece.text.slice(from, to), hit: true })
    at = to
  }
  if (at < end) out.push({ ...piece, text: piece.text.slice(at), hit: false })
  return out
}

function toPiece(entry: Anser.AnserJsonEntry): Piece {
  const classes: string[] = entry.decorations.map(name => `ansi-${name}`)
  const style: Piece['style'] = {}
  if (entry.fg) Object.assign(style, colour('color', entry.fg, entry.fg_truecolor, classes, 'fg'))
  if (entry.bg) Object.assign(style, colour('backgroundColor', entry.bg, entry.bg_truecolor, classes, 'bg'))
  const piece: Piece = { text: entry.content, classes }
  if (style.color || style.backgroundColor) piece.style = style
  return piece
}

function colour(
  property: 'color' | 'backgroundColor',
  name: string,
  trueColour: string,
  classes: string[],
  side: string,
) {
  if (name === 'ansi-truecolor') return { [property]: `rgb(${trueColour})` }
  const palette = /^ansi-palette-(\d+)$/.exec(name)
  if (palette) return { [property]: paletteColour(Number(palette[1])) }
  classes.push(`${name}-${side}`)
  return {}
}

/** Colours 16 to 255 of the xterm palette: a 6×6×6 cube, then 24 greys. */
export function paletteColour(index: number): string {
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10
    return `rgb(${grey}, ${grey}, ${grey})`
  }
  const cube = Math.max(0, index - 16)
  const level = (n: number) => (n === 0 ? 0 : 55 + n * 40)
  return `rgb(${level(Math.floor(cube / 36))}, ${level(Math.floor(cube / 6) % 6)}, ${level(cube % 6)})`
}

function lastDrawing(text: string): string {
  const trimmed = text.replace(/\r+$/, '')
  return trimmed.slice(trimmed.lastIndexOf('\r') + 1)
}
