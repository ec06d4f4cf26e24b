// The Chinese of what the server says: every sentence of the Rust source is in the catalogue, and nothing else is.
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { makeTranslate } from '../src/lib/server-words'
import { sentencesOf, serverSentences } from './server-sentences.mjs'

const catalogue = JSON.parse(readFileSync('src/i18n/server.zh-CN.json', 'utf8'))
/** What is too short to be told from a key in the source, what is put together there, words of the system. */
const { parts } = JSON.parse(readFileSync('src/i18n/server-parts.zh-CN.json', 'utf8'))
/** What looks like a sentence and is none that a page shows: words of other programs that davit looks for, headers. */
const notForPages = JSON.parse(readFileSync('scripts/not-for-pages.json', 'utf8'))
const sentences = serverSentences('../crates')

describe('the sentences of the server', () => {
  it('are all in the catalogue', () => {
    const missing = [...sentences].filter(([text]) => !(text in catalogue) && !notForPages.includes(text))
    expect(missing, 'translate these in src/i18n/server.zh-CN.json').toEqual([])
  })

  it('are the only ones in the catalogue', () => {
    expect([...Object.keys(catalogue), ...notForPages].filter(text => !sentences.has(text))).toEqual([])
  })

  it('are translated or left out, not both', () => {
    expect([...notForPages, ...Object.keys(parts)].filter(text => text in catalogue)).toEqual([])
  })

  it('have every part that is filled in, in Chinese too', () => {
    for (const [english, chinese] of Object.entries({ ...catalogue, ...parts })) {
      const asked = english
        .split('{}')
        .slice(1)
        .map((_, index) => String(index))
      const given = [...chinese.matchAll(/(?<!\{)\{(\d)(?::\w+)?\}(?!\})/g)].map(match => match[1])
      expect([...new Set(given)].sort(), english).toEqual(asked)
      // Of gaps that touch the last one gets all: they stay together, in their order.
      let gap = -1
      for (const part of english.split('{}').slice(0, -1)) {
        gap += 1
        if (gap > 0 && part === '') expect(chinese, english).toMatch(new RegExp(`\\{${gap - 1}[^}]*\\}\\{${gap}`))
      }
    }
  })

  it('are found when a page shows them, with what was filled in', () => {
    const translate = makeTranslate({ ...parts, ...catalogue })
    for (const [english, chinese] of Object.entries({ ...parts, ...catalogue })) {
      const names = english
        .split('{}')
        .slice(1)
        .map((_, index) => `7000${index}`)
      const said = translate(names.reduce((text, name) => text.replace('{}', name), english))
      expect(said.known, english).toBe(true)
      for (const name of names) expect(said.text, english).toContain(name)
      // Only the names, commands and keys of the translation itself are Latin.
      if (/[\u3400-\u9fff]/.test(chinese)) expect(said.text, english).toMatch(/[\u3400-\u9fff]/)
    }
  })
})

describe('the reader of the Rust source', () => {
  it('finds sentences in strings of every kind, with gaps for what is filled in', () => {
    const source = [
      'Problem::invalid("say why: a rejection needs a reason")',
      'format!("there is no app {app:?} in {}", at)',
      `Error::new("it is not in \`$\{{ }}\` here")`,
      'format!(r#"write {{ env = "{name}" }} here"#)',
      '"one sentence \\\n        over two lines"',
      '#[error("the host {host} said \\"no\\" to {0}")]',
    ].join('\n')
    expect(sentencesOf(source)).toEqual([
      'say why: a rejection needs a reason',
      'there is no app {} in {}',
      `it is not in \`$\{{ }}\` here`,
      'write { env = "{}" } here',
      'one sentence over two lines',
      'the host {} said "no" to {}',
    ])
  })

  it('leaves out what is for programmers, programs and tests', () => {
    const source = [
      '//! "a sentence in a comment"',
      '/* "another sentence here" */',
      "let quote = '\"'; let life: &'static str = x;",
      '#[expect(dead_code, reason = "this is said to the compiler")]',
      '#[schema(example = "what a document shows")]',
      'tracing::warn!(%id, "this is for the log");',
      'value.expect("a reason that never shows");',
      'if text.contains("Permission denied by git") {}',
      '"SELECT id FROM hosts WHERE name = $1"',
      '"oneword" "key.path" "--flag-only"',
      '#[cfg(test)]',
      'mod tests {',
      '    const A: &str = "this is only in a test";',
      '}',
    ].join('\n')
    expect(sentencesOf(source)).toEqual([])
  })
})
