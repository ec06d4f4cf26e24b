import { describe, expect, it } from 'vitest'
import { createApp, h } from 'vue'
import { renderMarkdown } from './markdown'

function html(text: string): string {
  const place = document.createElement('div')
  const app = createApp({ render: () => h('div', renderMarkdown(text)) })
  app.mount(place)
  const made = place.firstElementChild?.innerHTML ?? ''
  app.unmount()
  return made
}

describe('renderMarkdown', () => {
  it.each([
    ['# Tests\n\n**30** _passed_', '<h3>Tests</h3><p><strong>30</strong> <em>passed</em></p>'],
    ['- one\n- two', '<ul><li>one</li><li>two</li></ul>'],
    ['3. three', '<ol start="3"><li>three</li></ol>'],
    ['`a < b`\n\n```js\nlet x\n```', '<p><code>a &lt; b</code></p><pre tabindex="0"><code>let x\n</code></pre>'],
    [
      '|a|b|\n|-|-:|\n|1|2|',
      '<table><thead><tr><th>a</th><th style="text-align: right;">b</th></tr></thead><tbody><tr><td>1</td><td style="text-align: right;">2</td></tr></tbody></table>',
    ],
  ])('makes nodes of %j', (text, expected) => {
    expect(html(text)).toBe(expected)
  })

  it('links to the web and to nothing else', () => {
    const link = (href: string, text: string) =>
      `<p><a href="${href}" rel="noreferrer noopener" target="_blank">${text}</a></p>`
    expect(html('[a](https://example.com)')).toBe(link('https://example.com', 'a'))
    expect(html('[a](/etc/passwd)')).toBe('<p><span>a</span></p>')
    expect(html('[a](javascript:alert(1))')).not.toContain('<a')
    expect(html('[a](data:text/html,x)')).not.toContain('<a')
  })

  it('asks no other host for an image', () => {
    expect(html('![badge](https://img.example/x.svg)')).not.toContain('<img')
    expect(html('![badge](https://img.example/x.svg)')).toContain('badge</a>')
  })

  it('leaves tags as text', () => {
    expect(html('<script>alert(1)</script>')).toBe('<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>')
    expect(html('a <b onclick="x">b</b>')).not.toContain('<b')
  })
})
