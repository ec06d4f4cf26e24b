// What the server says, in Chinese. Its sentences are English templates that names are filled into; the catalogue
// (i18n/server.zh-CN.json) has the Chinese of each. A sentence is found by its words, what was filled in is looked up
// again, and what the catalogue doesn't know stays as it was said. Which sentences there are is not decided here: see
// scripts/server-sentences.mjs.

/**
 * English with `{}` where something is filled in, to Chinese with `{0}`, `{1}`, …; `{0:word}` is one of the list of
 * words, such as a state, `{0:raw}` what a person wrote, which stays as it is, and `{{0}}` a literal `{0}`.
 */
export type Catalogue = Readonly<Record<string, string>>

export interface Said {
  text: string
  /** Whether its beginning or most of it was in the catalogue. */
  known: boolean
}

export type Translate = (text: string) => Said

interface Template {
  /** The literal text around what is filled in. */
  parts: readonly string[]
  chinese: string
  /** How much of it is literal. */
  weight: number
  /** Only the end of a sentence, as in ", until {}"; what stands before it is filled in first. */
  isTail: boolean
  /** Begins with a gap for a name or a number, and not for a whole sentence. */
  isNamed: boolean
  /** One word and gaps, as in "run {}": all that is said, with a number, and no piece of what others say. */
  isShort: boolean
}

interface Match {
  template: Template
  filled: string[]
}

/** A way to read a text, `known` when any of it is: of two, the one that knows more is right. */
interface Reading extends Said {
  score: number
  /** How much of the score is what a person wrote. */
  raw: number
  /** Whether its beginning is known. */
  begins: boolean
  /** Whether it ends with what a person wrote. */
  endsRaw: boolean
}

/** All templates that fit the whole of a text. */
type Find = (text: string) => Match[]

/** One question, with what was found out about its parts so far. */
interface Question {
  find: Find
  words: ReadonlyMap<string, string>
  readings: Map<string, Reading>
  /** How often it may still look up: a text that was made to be hard ends as an unknown one. */
  patience: number
}

/** A text with more pieces than this is one sentence or none: what another program said may have many lines. */
const MAX_PIECES = 24
const MAX_LENGTH = 4_000
const MAX_LOOKUPS = 500
const MAX_REMEMBERED = 1_000

const JOINTS = new Map([
  ['. ', '。'],
  ['; ', '；'],
  [': ', '：'],
  [', ', '、'],
  [' and ', ' 和 '],
  [' or ', ' 或 '],
])
/** Where one sentence or piece of it ends and the next begins. */
const JOINED = /[.;:] /
const CHINESE = /[\u3400-\u9fff]/

/** Makes what translates by this catalogue, and single words by theirs; it remembers what it was asked lately. */
export function makeTranslate(catalogue: Catalogue, words: Catalogue = {}): Translate {
  const known = { find: makeFind(catalogue), words: new Map(Object.entries(words)) }
  const remembered = new Map<string, Said>()
  return text => {
    const before = remembered.get(text)
    if (before) return before
    const question = { ...known, readings: new Map<string, Reading>(), patience: MAX_LOOKUPS }
    const said = text.length > MAX_LENGTH ? { text, known: false } : answer(text, question)
    if (remembered.size >= MAX_REMEMBERED) remembered.clear()
    remembered.set(text, said)
    return said
  }
}

/** The stop at the end belongs to no template; after what a person wrote it is theirs. */
function answer(asked: string, question: Question): Said {
  const stop = /[^.]\.$/.test(asked) ? '.' : ''
  const { text, known, begins, score, endsRaw } = read(stop ? asked.slice(0, -1) : asked, question)
  return { text: text + (known && stop && !endsRaw ? '。' : stop), known: begins || 2 * score > asked.length }
}

function unknown(text: string): Reading {
  return { text, known: false, score: 0, raw: 0, begins: false, endsRaw: false }
}

/** The best reading of a text, which may be several sentences or a name alone. */
function read(text: string, question: Question): Reading {
  const before = question.readings.get(text)
  if (before) return before
  if (!/[a-z]/i.test(text)) return unknown(text)
  const pieces = text.split(/(\. |; |: |\n)/)
  const found = pieces.length > 2 * MAX_PIECES ? readRun(text, true, question) : readPieces(pieces, question)
  const reading = found?.known ? found : unknown(text)
  question.readings.set(text, reading)
  return reading
}

/** Every second of `pieces` joins its neighbours. From the end to the beginning, so that each rest is read once. */
function readPieces(pieces: readonly string[], question: Question): Reading {
  const best: Reading[] = []
  best[pieces.length + 1] = unknown('')
  for (let from = pieces.length - 1; from >= 0; from -= 2) {
    for (let to = from + 1; to <= pieces.length; to += 2) {
      const rest = best[to + 1]
      const isAll = from === 0 && to === pieces.length
      const run = readRun(pieces.slice(from, to).join(''), isAll, question) ?? stays(pieces.slice(from, to))
      if (!rest || !run) continue
      // Of equals the one with the shorter sentences, but none ends before what may belong to it.
      const score = run.score + rest.score - (rest.text === '' || rest.begins ? 0 : 0.5)
      if (score <= (best[from]?.score ?? Number.NEGATIVE_INFINITY)) continue
      best[from] = {
        text: run.text + (run.known || rest.begins ? toChinese(pieces[to]) : (pieces[to] ?? '')) + rest.text,
        known: run.known || rest.known,
        begins: run.begins,
        score,
        raw: run.raw + rest.raw,
        endsRaw: to < pieces.length ? rest.endsRaw : run.endsRaw,
      }
    }
  }
  return best[0] ?? unknown(pieces.join(''))
}

/** What joins two sentences, where one of them is Chinese, or two names. */
function toChinese(joint = ''): string {
  return JOINTS.get(joint) ?? joint
}

/** What is known by no template: one piece stays as it is, several are none together. */
function stays([text = '', ...others]: readonly string[]): Reading | undefined {
  return others.length === 0 ? { ...unknown(text), score: -1 } : undefined
}

/** One sentence, by the template that knows most of it. */
function readRun(text: string, isAll: boolean, question: Question): Reading | undefined {
  let best: Reading | undefined
  if (question.patience > 0) {
    question.patience -= 1
    for (const found of question.find(text)) {
      if (found.template.isShort && !isAll) continue
      const reading = fill(found, question)
      if (!best || isBetter(reading, best)) best = reading
    }
  }
  return best
}

/** Of two that leave a person's words alone, the one that takes fewer for them. */
function isBetter(one: Reading, other: Reading): boolean {
  return one.raw && other.raw ? one.score - one.raw > other.score - other.raw : one.score > other.score
}

/** The Chinese of a template with what was filled into the English, itself in Chinese where it is known. */
function fill({ template: { parts, chinese, weight, isTail }, filled }: Match, question: Question): Reading {
  const inner = filled.map((text, index) =>
    chinese.includes(`{${index}:raw}`) ? asWritten(text) : readFilled(text, question),
  )
  const plain = (index: string) => filled[Number(index)]?.replaceAll(' ', '_') ?? ''
  const text = chinese.replaceAll(/\{(\{\d\})\}| ?\{(\d)(:\w+)?\} ?/g, (gap, literal, index, how, at: number) => {
    if (literal) return literal
    const said = inner[Number(index)]?.text ?? ''
    const words = how === ':word' ? (question.words.get(plain(index)) ?? said) : said
    const [before, after] = [chinese.charAt(at - 1), chinese.charAt(at + gap.length)]
    return (
      space(gap.startsWith(' '), before, words.charAt(0)) + words + space(gap.endsWith(' '), words.slice(-1), after)
    )
  })
  const begins = !isTail || filled[0] === '' || inner[0]?.begins === true
  const [score, raw] = [sum(inner.map(each => each.score)), sum(inner.map(each => each.raw))]
  // Only where both languages end with the same gap.
  const [, ending] = /\{(\d)(?::raw)?\}$/.exec(chinese) ?? []
  const endsRaw = parts.at(-1) === '' && ending === `${filled.length - 1}` && inner.at(-1)?.endsRaw === true
  return { text, known: true, begins, score: weight + score, raw, endsRaw }
}

const sum = (numbers: number[]) => numbers.reduce((all, each) => all + each, 0)

/** What a person wrote: nobody looks for sentences of the server in it. */
function asWritten(text: string): Reading {
  return { ...unknown(text), score: text.length, raw: text.length, endsRaw: true }
}

/** Between Chinese and Latin letters there is a space, between Chinese ones none; elsewhere what the template has. */
function space(has: boolean, left: string, right: string): string {
  if (CHINESE.test(left) && CHINESE.test(right)) return ''
  const mixed = (CHINESE.test(left) && /[\w`"'$]/.test(right)) || (CHINESE.test(right) && /[\w`"'$]/.test(left))
  return has || mixed ? ' ' : ''
}

/** What was filled in: a sentence, a name, or a list of names. */
function readFilled(filled: string, question: Question): Reading {
  const text = filled.trim()
  const reading = read(text, question)
  return reading.known || !/ (?:and|or) /.test(text) ? reading : readList(text)
}

/** "a, b and c", when that is all there is. */
function readList(text: string): Reading {
  const items = text.split(/(, | and | or )/)
  if (items.some((item, index) => index % 2 === 0 && !/^[^\s,]+$/.test(item))) return unknown(text)
  return { ...unknown(items.map(toChinese).join('')), known: true }
}

/** Looks a text up among the templates that have one of its words as their rarest: a handful instead of thousands. */
function makeFind(catalogue: Catalogue): Find {
  const templates = Object.entries(catalogue).map(toTemplate)
  const counts = new Map<string, number>()
  for (const { parts } of templates) {
    for (const word of literalWords(parts)) counts.set(word, (counts.get(word) ?? 0) + 1)
  }
  const byWord = new Map<string, Template[]>()
  for (const template of templates) {
    const [rarest = ''] = literalWords(template.parts).sort((a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0))
    byWord.set(rarest, [...(byWord.get(rarest) ?? []), template])
  }
  return text => {
    const found: Match[] = []
    for (const word of new Set(['', ...wordsIn(text)])) {
      for (const template of byWord.get(word) ?? []) {
        const filled = match(template.parts, text)
        if (filled && isMeant(template, filled)) found.push({ template, filled })
      }
    }
    // Of equals the one that leaves less open, then the longer one.
    return found.sort((a, b) => a.filled.length - b.filled.length || b.template.weight - a.template.weight)
  }
}

/**
 * The stop at the end and what joins a template to a sentence before it are put there by the sentence. One that begins
 * with a comma or bracket has what stands before it as what is filled in first.
 */
function toTemplate([english, chinese]: [string, string]): Template {
  const isTail = /^ ?[,(]/.test(english)
  const bare = english.replace(/^[;:] /, '').replace(/\.$/, '')
  const parts = (isTail ? `{}${bare}` : bare).split('{}')
  const words = chinese.replace(/^[；：]/, '').replace(/。$/, '')
  return {
    parts,
    chinese: isTail ? `{0}${words.replaceAll(/\{(\d)\}/g, (_, index) => `{${Number(index) + 1}}`)}` : words,
    weight: parts.join('').length,
    isTail,
    // A sentence stands before a stop or a comma only, and the Chinese begins with it too.
    isNamed: bare.startsWith('{}') && !(/^\{\}[.;,]/.test(bare) && words.startsWith('{0}')),
    isShort: parts.length > 1 && literalWords(parts).length < 2,
  }
}

/** Whether its gaps are for what is in them: two sentences are no name that a third one begins with. */
function isMeant(template: Template, filled: readonly string[]): boolean {
  if (template.isNamed && JOINED.test(filled[0] ?? '')) return false
  return !(template.isShort && isTooMuch(template, filled))
}

/** Whether a gap has more than a number, a time or an address; what follows a colon or stands in brackets may be anything. */
function isTooMuch({ parts, isTail }: Template, filled: readonly string[]): boolean {
  const isFree = (index: number) => (isTail && index === 0) || /[:(] ?$|`$/.test(parts[index] ?? '')
  return filled.some((text, index) => !isFree(index) && !/^#?\d\S*$|^\w+:\/\/\S+$|^[`[]\S+$/.test(text))
}

/** The words that stand in the text whatever is filled in: one that touches a gap may be part of another word there. */
function literalWords(parts: readonly string[]): string[] {
  return [
    ...new Set([...parts.join('\0').matchAll(/(?<![\w\0])[a-z]+(?![\w\0])/gi)].map(([word]) => word.toLowerCase())),
  ]
}

function wordsIn(text: string): string[] {
  return (text.match(/[a-z]+/gi) ?? []).map(word => word.toLowerCase())
}

/** What fills the gaps between the parts, each as short as can be; undefined when the text is another one. */
function match(parts: readonly string[], text: string): string[] | undefined {
  const first = parts[0] ?? ''
  if (parts.length === 1) return sameStart(text, first) && text.length === first.length ? [] : undefined
  const last = parts.at(-1) ?? ''
  const end = text.length - last.length
  if (end < first.length || !sameStart(text, first) || !text.endsWith(last)) return undefined
  const filled: string[] = []
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const next = text.indexOf(part, at)
    if (next < 0 || next + part.length > end) return undefined
    filled.push(text.slice(at, next))
    at = next + part.length
  }
  return [...filled, text.slice(at, end)]
}

/** Sentences begin with a capital where they follow others, and with a small letter where they follow a colon. */
function sameStart(text: string, first: string): boolean {
  if (first === '') return true
  return text.startsWith(first.slice(1), 1) && text.charAt(0).toLowerCase() === first.charAt(0).toLowerCase()
}
