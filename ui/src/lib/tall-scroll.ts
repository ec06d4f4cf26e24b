// Scrolling through more rows than a browser can make an element high. Up to the highest one that all browsers make, a
// pixel scrolled is a pixel; beyond it small movements still are, and large ones, such as a drag of the bar, go to the
// same part of the content.

/** Pixels. Elements may be higher, but beyond this what moves with a transform is no longer placed to the pixel. */
export const HIGHEST = 8_000_000

export class TallScroll {
  /** Of the content that is above the upper edge, in pixels. */
  top = 0
  /** What the element says about the same. */
  scrollTop = 0
  private content = 0
  private view = 0

  constructor(private readonly highest = HIGHEST) {}

  /** The height to give to the element that is scrolled. */
  get canvas(): number {
    return Math.min(this.content, this.highest)
  }

  /** From a place in the content to one on the canvas. */
  get offset(): number {
    return this.top - this.scrollTop
  }

  /** Of the content and of the part that is seen. True: the element has to be scrolled to `scrollTop`. */
  resize(content: number, view: number): boolean {
    this.content = content
    this.view = view
    return this.scrollTo(this.isTall ? this.top : this.scrollTop)
  }

  /** The element was scrolled. True: it has to be scrolled again, to `scrollTop`, because it has come to its end too early. */
  scrolled(scrollTop: number): boolean {
    if (!this.isTall) return this.follow(scrollTop)
    const distance = scrollTop - this.scrollTop
    this.scrollTop = scrollTop
    if (Math.abs(distance) > this.view) {
      this.top = this.clamp((scrollTop / (this.canvas - this.view)) * this.most)
      return false
    }
    this.top = this.clamp(this.top + distance)
    const last = this.canvas - this.view
    const atEnd = scrollTop <= 0 || scrollTop >= last - 1
    // What is left is less than one pixel of the canvas: it can't be scrolled through.
    const rest = this.most / last
    if (atEnd && this.top < rest) this.top = 0
    if (atEnd && this.top > this.most - rest) this.top = this.most
    const contentAtEnd = this.top <= 0 || this.top >= this.most
    return atEnd === contentAtEnd ? false : this.place()
  }

  /** To a place in the content. True: the element has to be scrolled to `scrollTop`. */
  scrollTo(top: number): boolean {
    const before = this.scrollTop
    this.top = this.clamp(top)
    if (this.isTall) this.place()
    else this.scrollTop = this.top
    return before !== this.scrollTop
  }

  private get isTall(): boolean {
    return this.content > this.highest
  }

  private get most(): number {
    return Math.max(0, this.content - this.view)
  }

  private clamp(top: number): number {
    return Math.min(Math.max(0, top), this.most)
  }

  private follow(scrollTop: number): boolean {
    this.scrollTop = scrollTop
    this.top = scrollTop
    return false
  }

  private place(): boolean {
    this.scrollTop = Math.round((this.top / this.most) * (this.canvas - this.view))
    return true
  }
}
