import { describe, expect, it } from 'vitest'
import { markHits, paletteColour, plainText, toPieces } from './ansi'

const ESC = '\u001b'

describe('plainText', () => {
  it.each([
    ['plain', 'plain'],
    [`${ESC}[31mred${ESC}[0m`, 'red'],
    [`${ESC}[1;38;5;208mbold${ESC}[K`, 'bold'],
    [`${ESC}]0;a title\u0007after`, 'after'],
    [`${ESC}]8;;https://example.com${ESC}\\link${ESC}]8;;${ESC}\\`, 'link'],
    ['10%\r50%\r100%', '100%'],
    ['done\r', 'done'],
    ['', ''],
  ])('of %j is %j', (raw, text) => {
    expect(plainText(raw)).toBe(text)
  })
})

describe('toPieces', () => {
  it('names colours by class and carries decorations', () => {
    expect(toPieces(`a${ESC}[1;31mb${ESC}[0mc`)).toEqual([
      { text: 'a', classes: [] },
      { text: 'b', classes: ['ansi-bold', 'ansi-red-fg'] },
      { text: 'c', classes: [] },
    ])
  })

  it('turns palette and true colours into styles', () => {
    const [palette, exact] = toPieces(`${ESC}[38;5;196mx${ESC}[48;2;1;2;3my`)
    expect(palette?.style).toEqual({ color: 'rgb(255, 0, 0)' })
    expect(exact?.style).toMatchObject({ backgroundColor: 'rgb(1, 2, 3)' })
  })

  it('leaves markup what it is: text', () => {
    expect(toPieces(`${ESC}[32m<img src=x onerror=alert(1)>${ESC}[0m`)[0]?.text).toBe('<img src=x onerror=alert(1)>')
  })

  it('loses no text', () => {
    const raw = `one ${ESC}[33mtwo${ESC}[0m ${ESC}[4mthree${ESC}[24m four`
    const joined = toPieces(raw).map(piece => piece.text)
    expect(joined.join('')).toBe(plainText(raw))
  })
})

describe('markHits', () => {
  it('marks a hit that goes across a colour change', () => {
    const marked = markHits(toPieces(`er${ESC}[31mror: e${ESC}[0mrror`), 'ERROR')
    expect(marked.filter(piece => piece.hit).map(piece => piece.text)).toEqual(['er', 'ror', 'e', 'rror'])
    expect(marked.map(piece => piece.text).join('')).toBe('error: error')
  })

  it('marks nothing for an empty search', () => {
    expect(markHits([{ text: 'abc', classes: [] }], '')).toEqual([{ text: 'abc', classes: [], hit: false }])
  })
})

describe('paletteColour', () => {
  it.each([
    [16, 'rgb(0, 0, 0)'],
    [21, 'rgb(0, 0, 255)'],
    [231, 'rgb(255, 255, 255)'],
    [232, 'rgb(8, 8, 8)'],
    [255, 'rgb(238, 238, 238)'],
  ])('of %i is %s', (index, colour) => {
    expect(paletteColour(index)).toBe(colour)
  })
})
