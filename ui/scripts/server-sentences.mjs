// Reads the sentences for people out of the Rust source: what the pages may be told, as templates with `{}` where the
// program fills something in. It knows Rust's strings, comments and brackets and nothing more, so it judges a string
// by what it looks like and by what it is handed to.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The crates whose words reach a page. `davit` speaks to a terminal, `testkit` to nobody. */
export const CRATES = ['api', 'ci', 'domain', 'engine', 'exec', 'forge', 'runner', 'store']

/** What a string is handed to when it is for the log, for another program or for a programmer. */
const NOT_FOR_PAGES = new Set([
  ...['trace!', 'debug!', 'info!', 'warn!', 'error!', 'info_span!', 'debug_span!'],
  ...['contains', 'starts_with', 'ends_with', 'find', 'strip_prefix', 'split', 'split_once'],
  ...['expect', 'expect_err', 'panic!', 'unreachable!', 'assert!', 'assert_eq!', 'debug_assert!'],
])

/** Files whose words have a translation of their own, or are no words. */
const ELSEWHERE = /\/api\/src\/(docs\/|badge\.rs|openapi|needs\.rs)/

/** Every sentence in the crates below `root`, with the first file that says it. */
export function serverSentences(root) {
  const found = new Map()
  for (const crate of CRATES) {
    for (const file of rustFiles(join(root, crate, 'src'))) {
      if (ELSEWHERE.test(file)) continue
      for (const text of sentencesOf(readFileSync(file, 'utf8'))) {
        if (!found.has(text)) found.set(text, file)
      }
    }
  }
  return found
}

function rustFiles(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return entry.name === 'tests' ? [] : rustFiles(path)
    return entry.name.endsWith('.rs') && !/^tests?\.rs$|_tests?\.rs$/.test(entry.name) ? [path] : []
  })
}

/** The sentences of one file. */
export function sentencesOf(source) {
  return (
    literalsOf(source)
      .filter(({ inside }) => !inside.some(name => NOT_FOR_PAGES.has(name)))
      // Of the attributes only `#[error("…")]` says something to people.
      .filter(({ inside }) => !inside.includes('#') || inside[inside.indexOf('#') + 1] === 'error')
      .map(({ text, inside }) => toTemplate(text, isFormat(inside.at(-1))))
      .filter(isSentence)
  )
}

/** Whether what it is handed to fills gaps in; elsewhere braces are braces. */
function isFormat(name = '') {
  return name === 'error' || name.endsWith('!')
}

/** A literal's text with `{}` for whatever is filled in, and without the ends that only join it to others. */
function toTemplate(text, hasGaps) {
  if (!hasGaps) return text.trim()
  return text
    .replaceAll(/\{\{|\}\}|\{[\w.]*(?::[^{}]*)?\}/g, part => (part === '{{' ? '{' : part === '}}' ? '}' : '{}'))
    .trim()
}

const SQL = /\b(FROM [a-z(]|SELECT|INSERT INTO|WHERE|JOIN|ORDER BY|GROUP BY|COALESCE)\b|_at, |\$\d|\b\w\.\w+, \w\./

/** Commands and patterns. */
const CODE = /^::|^(bash|for|git|set) -|\|\||&&|^\W*$|2>|--\w+ \w+ --|^[a-z_]+(, [a-z_]+)+$/

/** SQL, markup, other writing systems, texts of several lines (those are files). */
const NOT_WORDS =
  /^(SELECT|INSERT|UPDATE|DELETE|WITH|CREATE|ALTER|DROP|LOCK|WHERE|JOIN|LEFT JOIN|AND|ORDER BY|FROM|LIMIT)\b|<\/?\w+[ >]|[\u3400-\u9fff]|\n\s*\S/

function isSentence(text) {
  const words = text.replaceAll(/\{\}|`[^`]*`/g, ' ').match(/(?<![\w-])[A-Za-z][a-z'’-]*(?![\w-])/g) ?? []
  return words.length >= 2 && text.includes(' ') && !NOT_WORDS.test(text) && !SQL.test(text) && !CODE.test(text)
}

/** Comments, strings (raw and plain), characters, lifetimes, beginnings of attributes, names, brackets. */
const TOKENS =
  /\/\/[^\n]*|\/\*[\s\S]*?\*\/|b?r(#*)"([\s\S]*?)"\1|b?"((?:\\[\s\S]|[^"\\])*)"|b?'(?:\\(?:u\{[^}]*\}|x..|.)|[^'\\])'|'\w+|#!?\[|[\w]+!?|[()[\]{}]/g

/** Every string literal outside comments and tests, with the names of the calls and macros around it. */
function literalsOf(whole) {
  const source = whole.split(/^#\[cfg\(test\)\]\n(?:#\[.*\]\n)*mod /m)[0]
  const found = []
  const stack = []
  let last = ''
  let lastEnd = 0
  for (const match of source.matchAll(TOKENS)) {
    const token = match[0]
    if (token.startsWith('//') || token.startsWith('/*')) continue
    const text = match[2] ?? (match[3] === undefined ? undefined : unescaped(match[3]))
    if (text !== undefined) {
      if (!token.startsWith('b')) found.push({ text, inside: [...stack] })
    } else if ('([{'.includes(token) || token === '#[' || token === '#![') {
      const near = source.slice(lastEnd, match.index).trim()
      stack.push(token.startsWith('#') ? '#' : token === '{' || near !== '' ? '' : last)
    } else if (')]}'.includes(token)) stack.pop()
    last = token
    lastEnd = match.index + token.length
  }
  return found
}

const ESCAPES = { n: '\n', t: '\t', r: '\r', 0: '\0' }

function unescaped(text) {
  return text
    .replaceAll(/\\\n\s*/g, '')
    .replaceAll(/\\u\{(\w+)\}/g, (_, hex) => String.fromCodePoint(Number.parseInt(hex, 16)))
    .replaceAll(/\\(.)/g, (_, char) => ESCAPES[char] ?? char)
}
