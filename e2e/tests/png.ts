// Makes a screenshot small: 256 colours that fit it. Pages are few flat colours and the greys around letters, so nobody
// sees the difference, and a picture takes a third of the bytes.
import { deflateSync, inflateSync } from 'node:zlib'

interface Pixels {
  width: number
  height: number
  /** Three bytes each, row after row. */
  rgb: Uint8Array
}

interface Box {
  /** Colours as 0xRRGGBB. */
  colours: number[]
  /** How much is lost when all of them become one. */
  spread: number
  channel: number
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
const MOST_COLOURS = 256
const SHIFTS = [16, 8, 0] as const

/** The same picture with at most 256 colours. Takes what Chromium writes: 8 bits a channel, not interlaced. */
export function shrink(png: Buffer): Buffer {
  const { width, height, rgb } = decode(png)
  const counts = new Map<number, number>()
  for (let at = 0; at < rgb.length; at += 3) {
    const colour = colourAt(rgb, at)
    counts.set(colour, (counts.get(colour) ?? 0) + 1)
  }
  const { palette, indexOf } = quantise(counts)
  const rows = Buffer.alloc(height * (width + 1))
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      rows[y * (width + 1) + 1 + x] = indexOf.get(colourAt(rgb, (y * width + x) * 3)) ?? 0
    }
  }
  const head = Buffer.alloc(13)
  head.writeUInt32BE(width, 0)
  head.writeUInt32BE(height, 4)
  head.set([8, 3, 0, 0, 0], 8)
  const colours = Buffer.from(palette.flatMap(colour => SHIFTS.map(shift => (colour >> shift) & 255)))
  const body = deflateSync(rows, { level: 9 })
  return Buffer.concat([SIGNATURE, chunk('IHDR', head), chunk('PLTE', colours), chunk('IDAT', body), chunk('IEND', Buffer.alloc(0))])
}

function colourAt(rgb: Uint8Array, at: number): number {
  return ((rgb[at] ?? 0) << 16) | ((rgb[at + 1] ?? 0) << 8) | (rgb[at + 2] ?? 0)
}

/** Cuts the box that loses most until there are enough, each along its widest channel at the median pixel. */
function quantise(counts: Map<number, number>) {
  const boxes = [measured([...counts.keys()], counts)]
  while (boxes.length < MOST_COLOURS) {
    boxes.sort((a, b) => a.spread - b.spread)
    const widest = boxes.pop()
    if (!widest || widest.spread === 0) {
      if (widest) boxes.push(widest)
      break
    }
    boxes.push(...cut(widest, counts))
  }
  const indexOf = new Map<number, number>()
  const palette = boxes.map((box, index) => {
    for (const colour of box.colours) indexOf.set(colour, index)
    return average(box.colours, counts)
  })
  return { palette, indexOf }
}

function measured(colours: number[], counts: Map<number, number>): Box {
  let [spread, channel] = [0, 0]
  const mean = average(colours, counts)
  for (const shift of SHIFTS) {
    const lost = colours.reduce((sum, colour) => {
      const off = ((colour >> shift) & 255) - ((mean >> shift) & 255)
      return sum + off * off * (counts.get(colour) ?? 0)
    }, 0)
    if (lost > spread) [spread, channel] = [lost, shift]
  }
  return { colours, spread: colours.length > 1 ? spread : 0, channel }
}

function cut(box: Box, counts: Map<number, number>): Box[] {
  const value = (colour: number) => (colour >> box.channel) & 255
  const colours = [...box.colours].sort((a, b) => value(a) - value(b))
  const half = colours.reduce((sum, colour) => sum + (counts.get(colour) ?? 0), 0) / 2
  let [seen, at] = [0, 0]
  while (at < colours.length - 1 && (at === 0 || seen < half)) {
    seen += counts.get(colours[at] ?? 0) ?? 0
    at += 1
  }
  return [measured(colours.slice(0, at), counts), measured(colours.slice(at), counts)]
}

/** The commonest colour when it is most of them, so that flat areas keep theirs; else the mean. */
function average(colours: number[], counts: Map<number, number>): number {
  let [all, most, common] = [0, 0, 0]
  for (const colour of colours) {
    const count = counts.get(colour) ?? 0
    all += count
    if (count > most) [most, common] = [count, colour]
  }
  if (most * 2 > all) return common
  const sum = (shift: number) => colours.reduce((total, colour) => total + ((colour >> shift) & 255) * (counts.get(colour) ?? 0), 0)
  return SHIFTS.reduce<number>((colour, shift) => colour | (Math.round(sum(shift) / all) << shift), 0)
}

function decode(png: Buffer): Pixels {
  const width = png.readUInt32BE(16)
  const height = png.readUInt32BE(20)
  const channels = png[25] === 6 ? 4 : 3
  const parts: Buffer[] = []
  for (let at = SIGNATURE.length; at < png.length; ) {
    const length = png.readUInt32BE(at)
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + length))
    at += length + 12
  }
  const rows = unfiltered(inflateSync(Buffer.concat(parts)), width * channels, height, channels)
  const rgb = new Uint8Array(width * height * 3)
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    rgb.set(rows.subarray(pixel * channels, pixel * channels + 3), pixel * 3)
  }
  return { width, height, rgb }
}

/** Takes back what each row says of itself against its neighbours. */
function unfiltered(raw: Buffer, stride: number, height: number, step: number): Uint8Array {
  const out = new Uint8Array(stride * height)
  for (let y = 0; y < height; y += 1) {
    const filter = raw[y * (stride + 1)]
    for (let x = 0; x < stride; x += 1) {
      const left = x >= step ? (out[y * stride + x - step] ?? 0) : 0
      const up = y > 0 ? (out[(y - 1) * stride + x] ?? 0) : 0
      const corner = x >= step && y > 0 ? (out[(y - 1) * stride + x - step] ?? 0) : 0
      const guesses = [0, left, up, (left + up) >> 1, paeth(left, up, corner)]
      out[y * stride + x] = (raw[y * (stride + 1) + 1 + x] ?? 0) + (guesses[filter ?? 0] ?? 0)
    }
  }
  return out
}

function paeth(left: number, up: number, corner: number): number {
  const guess = left + up - corner
  const [a, b, c] = [Math.abs(guess - left), Math.abs(guess - up), Math.abs(guess - corner)]
  if (a <= b && a <= c) return left
  return b <= c ? up : corner
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, 'latin1'), data])
  const out = Buffer.alloc(body.length + 8)
  out.writeUInt32BE(data.length, 0)
  body.copy(out, 4)
  out.writeUInt32BE(checksum(body), body.length + 4)
  return out
}

function checksum(data: Buffer): number {
  let sum = ~0
  for (const byte of data) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit += 1) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0)
  }
  return ~sum >>> 0
}
