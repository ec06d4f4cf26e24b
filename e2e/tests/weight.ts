// What a page has cost, as the browser itself measured it.
import type { Page } from '@playwright/test'

/** Of one visit; bytes as they were sent, times in milliseconds from the beginning of the visit. */
export interface Cost {
  requests: number
  scripts: number
  styles: number
  everything: number
  firstPaint: number
  largestPaint: number
  /** When what the reader came for was on the screen. */
  usable: number
}

declare global {
  interface Window {
    davitCost: { there: number; usable: number; largest: number }
  }
}

/** Starts to watch before the page begins; `marker` is the test id of what makes it usable. */
export async function watchCost(page: Page, marker: string): Promise<void> {
  await page.addInitScript(id => {
    const cost = { there: 0, usable: 0, largest: 0 }
    window.davitCost = cost
    new PerformanceObserver(list => {
      for (const entry of list.getEntries()) cost.largest = entry.startTime
    }).observe({ type: 'largest-contentful-paint', buffered: true })
    new MutationObserver((_, observer) => {
      if (!document.querySelector(`[data-testid="${id}"]`)) return
      observer.disconnect()
      cost.there = performance.now()
      // Once it is on the screen, not when it is in the document.
      requestAnimationFrame(() => requestAnimationFrame(() => (cost.usable = performance.now())))
    }).observe(document, { childList: true, subtree: true })
  }, marker)
}

export async function costOf(page: Page): Promise<Cost> {
  // The browser tells of its paints a moment later than of anything else.
  await page.waitForFunction(() => window.davitCost.usable > 0 && window.davitCost.largest > 0)
  return page.evaluate(() => {
    const found = performance.getEntriesByType('resource') as PerformanceResourceTiming[]
    const [visit] = performance.getEntriesByType('navigation') as PerformanceNavigationTiming[]
    const sum = (list: PerformanceResourceTiming[]) => list.reduce((total, entry) => total + entry.encodedBodySize, 0)
    const ending = (suffix: string) => found.filter(entry => new URL(entry.name).pathname.endsWith(suffix))
    // What is asked for later, such as charts further down, does not keep anybody waiting; some of it is asked for
    // before the screen shows what is there already.
    const first = (list: PerformanceResourceTiming[]) => list.filter(entry => entry.startTime <= window.davitCost.there)
    return {
      requests: found.length + 1,
      scripts: sum(first(ending('.js'))),
      styles: sum(ending('.css')),
      everything: sum(found) + (visit?.encodedBodySize ?? 0),
      firstPaint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
      largestPaint: window.davitCost.largest,
      usable: window.davitCost.usable,
    }
  })
}
