// Every page in both languages, light and dark, on a laptop and a phone: accessible, nothing sticks out, nothing is
// asked from any other host. The pictures stay in screenshots/ to be looked at.
import { AxeBuilder } from '@axe-core/playwright'
import { expect, test } from '@playwright/test'
import { Davit, logIn, watch } from './davit.ts'

const PAGES = {
  overview: '/',
  requests: '/requests',
  request: '/requests/1',
  'request-new': '/requests/new?app=sample&environment=staging',
  runs: '/runs',
  changes: '/changes',
  deployments: '/deployments',
  deployment: '/deployments/4',
  apps: '/apps',
  app: '/apps/sample',
  'app-new': '/apps/new',
  config: '/apps/sample/configs/staging/edit',
  'config-hosts': '/apps/sample/configs/staging/edit?step=hosts',
  'config-scripts': '/apps/sample/configs/staging/edit?step=scripts',
  'config-history': '/apps/sample/configs/staging/history',
  hosts: '/hosts',
  forges: '/forges',
  deliveries: '/deliveries',
  outbox: '/outbox',
  configuration: '/configuration',
}
const LOOKS = [
  { name: 'en-light-1440', locale: 'en-US', colorScheme: 'light', viewport: { width: 1440, height: 900 } },
  { name: 'zh-dark-1440', locale: 'zh-CN', colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
  { name: 'en-dark-390', locale: 'en-US', colorScheme: 'dark', viewport: { width: 390, height: 844 } },
  { name: 'zh-light-390', locale: 'zh-CN', colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const

let davit: Davit

test.beforeAll(async () => {
  davit = await Davit.demo()
})

test.afterAll(async () => {
  await davit.stop()
})

for (const look of LOOKS) {
  test(`every page is fine in ${look.name}`, async ({ browser }) => {
    test.setTimeout(180_000)
    const context = await browser.newContext({ ...look, reducedMotion: 'reduce' })
    const page = await context.newPage()
    const problems = watch(page, davit)
    await logIn(page, davit)
    for (const [name, path] of Object.entries(PAGES)) {
      await test.step(name, async () => {
        await page.goto(davit.url + path)
        await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
        await expect(page.locator('.el-skeleton, [aria-busy="true"]')).toHaveCount(0)
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
        expect(wide, `${name} scrolls sideways`).toBeLessThanOrEqual(0)
        await page.screenshot({ path: `screenshots/${look.name}-${name}.png` })
        const { violations } = await new AxeBuilder({ page }).withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']).analyze()
        const found = violations.map(rule => `${rule.id}: ${rule.nodes.map(node => node.target.join(' ')).join(', ')}`)
        expect(found, `accessibility of ${name}`).toEqual([])
      })
    }
    expect(problems).toEqual([])
    await context.close()
  })
}
