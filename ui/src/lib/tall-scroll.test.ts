import { describe, expect, it } from 'vitest'
import { TallScroll } from './tall-scroll'

const VIEW = 500

function tall(content: number, highest = 10_000) {
  const scroll = new TallScroll(highest)
  scroll.resize(content, VIEW)
  return scroll
}

describe('TallScroll', () => {
  it('is what the element says while that can be high enough', () => {
    const scroll = tall(10_000)
    expect(scroll.canvas).toBe(10_000)
    expect(scroll.scrolled(1_234)).toBe(false)
    expect([scroll.top, scroll.offset]).toEqual([1_234, 0])
    expect(scroll.scrollTo(99_999)).toBe(true)
    expect(scroll.scrollTop).toBe(9_500)
  })

  it('moves a pixel for a pixel, also where the content is higher than the element', () => {
    const scroll = tall(1_000_000)
    expect(scroll.canvas).toBe(10_000)
    scroll.scrollTo(400_000)
    const { scrollTop } = scroll
    expect(scroll.scrolled(scrollTop + 120)).toBe(false)
    expect(scroll.top).toBe(400_120)
    scroll.scrolled(scrollTop + 20)
    expect(scroll.top).toBe(400_020)
  })

  it('goes to the same part of the content with a large movement', () => {
    const scroll = tall(1_000_000)
    scroll.scrolled(4_750)
    expect(scroll.top).toBe(999_500 / 2)
    scroll.scrolled(9_500)
    expect(scroll.top).toBe(999_500)
    scroll.scrolled(0)
    expect(scroll.top).toBe(0)
  })

  it('reaches every row with small movements', () => {
    const scroll = tall(30_000)
    let steps = 0
    while (scroll.top < 29_500 && steps < 1_000) {
      scroll.scrolled(Math.min(scroll.scrollTop + 100, 9_500))
      steps += 1
    }
    expect([scroll.top, scroll.scrollTop]).toEqual([29_500, 9_500])
    expect(steps).toBeLessThan(310)
    while (scroll.top > 0 && steps < 2_000) {
      scroll.scrolled(Math.max(scroll.scrollTop - 100, 0))
      steps += 1
    }
    expect([scroll.top, scroll.scrollTop]).toEqual([0, 0])
  })

  it('stays where it is when the content grows', () => {
    const scroll = tall(20_000)
    scroll.scrollTo(5_000)
    expect(scroll.resize(40_000, VIEW)).toBe(true)
    expect(scroll.top).toBe(5_000)
  })
})
