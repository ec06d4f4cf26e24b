// Looking at one page in all the ways people see it: light and dark, on a laptop and on a phone. The page is opened once
// for each language; the rest changes under it, as it does when an evening comes or a window is made narrow.
import { AxeBuilder } from '@axe-core/playwright'
import { expect, type Page, test } from '@playwright/test'

export const LANGUAGES = { en: 'en-US', 'zh-CN': 'zh-CN' } as const
export type Language = keyof typeof LANGUAGES

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
  await expectNothing(axeOf(page).withTags(RULES).disableRules(without), what)
}

/** All four looks of the page that is open: accessible, nothing sticks out; with DAVIT_SCREENSHOTS a picture of each. */
export async function everyLook(page: Page, language: Language, name: string): Promise<void> {
  for (const { width, scheme, whole } of LOOKS) {
    const look = `${language}-${scheme}-${width}`
    await test.step(look, async () => {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' })
      await page.setViewportSize({ width, height: WIDTHS[width] })
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
      expect.soft(wide, `${name} scrolls sideways in ${look}`).toBeLessThanOrEqual(0)
      if (process.env.DAVIT_SCREENSHOTS) await page.screenshot({ path: `screenshots/${look}-${name}.png` })
      const axe = axeOf(page)
      await expectNothing(whole ? axe.withTags(RULES) : axe.withRules(['color-contrast']), `${name} in ${look}`)
    })
  }
}

/** There are no frames in our pages: no second page is opened to put their findings together. */
function axeOf(page: Page): AxeBuilder {
  return new AxeBuilder({ page }).setLegacyMode()
}

async function expectNothing(axe: AxeBuilder, what: string): Promise<void> {
  const { violations } = await axe.analyze()
  const found = violations.map(rule => `${rule.id}: ${rule.nodes.map(node => node.target.join(' ')).join(', ')}`)
  expect.soft(found, `accessibility of ${what}`).toEqual([])
}
