// Markdown as Vue nodes. No HTML is ever made or parsed: tags in the text stay text, and nothing in it makes the browser
// ask another host (an image becomes a link to it).
import MarkdownIt from 'markdown-it'
import type Token from 'markdown-it/lib/token.mjs'
import { h, type VNode } from 'vue'

type Child = VNode | string

const parser = new MarkdownIt('default', { html: false, linkify: true })

/** Pages have headings of their own above. */
const HEADING_SHIFT = 2

export function renderMarkdown(text: string): Child[] {
  return toNodes(parser.parse(text, {}))
}

/** Tokens come flat, an opening one before and a closing one after what is inside. */
function toNodes(tokens: readonly Token[]): Child[] {
  const root: Child[] = []
  const open: { token: Token; children: Child[] }[] = []
  for (const token of tokens) {
    const children = open.at(-1)?.children ?? root
    if (token.nesting === 1) {
      open.push({ token, children: [] })
    } else if (token.nesting === -1) {
      const closed = open.pop()
      if (closed) (open.at(-1)?.children ?? root).push(...element(closed.token, closed.children))
    } else {
      children.push(...leaf(token))
    }
  }
  return root
}

function element(token: Token, children: Child[]): Child[] {
  // A tight list has its paragraphs hidden.
  if (token.hidden) return children
  if (token.tag === 'a') return [link(token.attrGet('href'), children)]
  return [h(tagOf(token), attributes(token), children)]
}

function leaf(token: Token): Child[] {
  switch (token.type) {
    case 'inline':
      return toNodes(token.children ?? [])
    case 'text':
    case 'html_inline':
    case 'html_block':
      return [token.content]
    case 'softbreak':
      return ['\n']
    case 'hardbreak':
      return [h('br')]
    case 'hr':
      return [h('hr')]
    case 'code_inline':
      return [h('code', token.content)]
    case 'code_block':
    case 'fence':
      return [h('pre', { tabindex: 0 }, h('code', token.content))]
    case 'image':
      return [link(token.attrGet('src'), [token.content || (token.attrGet('src') ?? '')])]
    default:
      return token.content ? [token.content] : []
  }
}

function link(href: string | null, children: Child[]): Child {
  if (!href || !/^(https?|mailto):/i.test(href)) return h('span', children)
  return h('a', { href, rel: 'noreferrer noopener', target: '_blank' }, children)
}

function tagOf(token: Token): string {
  const heading = /^h([1-6])$/.exec(token.tag)
  return heading ? `h${Math.min(6, Number(heading[1]) + HEADING_SHIFT)}` : token.tag
}

/** Of all attributes, where a list starts and how a column of a table is aligned. */
function attributes(token: Token): Record<string, string> {
  const start = token.attrGet('start')
  const align = /^text-align:(left|center|right)$/.exec(token.attrGet('style') ?? '')
  return { ...(start ? { start } : {}), ...(align ? { style: `text-align: ${align[1]}` } : {}) }
}
