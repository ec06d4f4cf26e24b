// Looking at one page in all the ways people see it: light and dark, on a laptop and on a phone. The page is opened once
// for each language; the rest changes under it, as it does when an evening comes or a window is made narrow.
import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'

export const LANGUAGES = { en: 'en-US', 'zh-CN': 'zh-CN' } as const
export type Language = keyof typeof LANGUAGES

const softly = expect.configure({ soft: true })
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']
const WIDTHS = { 1440: 900, 390: 844 } as const
/** Each width is looked at whole once; dark has the same elements in other colours. */
const LOOKS = [
  { width: 1440, scheme: 'light', whole: true },
  { width: 1440, scheme: 'dark', whole: false },
  { width: 390, scheme: 'dark', whole: false },
  { width: 390, scheme: 'light', whole: true },
] as const

/** Waits until a page has what it asked for. */
export async function settled(page: Page): Promise<void> {
  await expect(page.getByRole('heading', { level: 1 }).first()).toBeVisible()
  await expect(page.locator('.el-skeleton, [aria-busy="true"]')).toHaveCount(0)
  await expect(page.getByRole('status').filter({ hasText: /^(Loading|加载中)/ })).toHaveCount(0)
}

/** What axe has against the page as it is; `without` its dearest rules where another page has the same style. */
export async function accessible(page: Page, what: string, without: string[] = []): Promise<void> {
  await expectNothing((await axeOf(page)).withTags(RULES).disableRules(without), what)
}

/** All four looks of the page that is open: accessible, nothing sticks out; with DAVIT_SCREENSHOTS a picture of each. */
export async function everyLook(page: Page, language: Language, name: string): Promise<void> {
  for (const { width, scheme, whole } of LOOKS) {
    const look = `${language}-${scheme}-${width}`
    await test.step(look, async () => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: WIDTHS[width] })
      // What measures itself, such as a chart, follows the window a moment later.
      const wide = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      await softly.poll(wide, { message: `${name} scrolls sideways in ${look}`, timeout: 30_000 }).toBeLessThanOrEqual(0)
      if (process.env.DAVIT_SCREENSHOTS) await page.screenshot({ path: `screenshots/${look}-${name}.png` })
      const axe = await axeOf(page)
      await expectNothing(whole ? axe.withTags(RULES) : axe.withRules(['color-contrast']), `${name} in ${look}`)
    })
  }
}

/** There are no frames in our pages: no second page is opened to put their findings together. */
async function axeOf(page: Page): Promise<AxeBuilder> {
  await still(page)
  return new AxeBuilder({ page }).setLegacyMode()
}

/** Waits until the page is drawn and nothing that ends moves: on the way, a colour is neither the one nor the other. */
async function still(page: Page): Promise<void> {
  await page.evaluate(async () => {
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))
    const ending = document.getAnimations().filter(each => each.playState === 'running' && Number.isFinite(each.effect?.getComputedTiming().endTime))
    await Promise.allSettled(ending.map(each => each.finished))
  })
}

async function expectNothing(axe: AxeBuilder, what: string): Promise<void> {
  const { violations } = await axe.analyze()
  const found = violations.map(rule => `${rule.id}: ${rule.nodes.map(node => node.target.join(' ')).join(', ')}`)
  expect.soft(found, `accessibility of ${what}`).toEqual([])
}
