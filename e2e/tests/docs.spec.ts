// The documentation that the server serves: read without an account and without scripts, searched, in both languages;
// every page of it accessible.
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import { Davit, watch } from './davit.ts'
import { accessible, everyLook, type Language } from './looks.ts'

const DOCS = join(import.meta.dirname, '../../docs')
const ROOTS = { en: '/docs', 'zh-CN': '/docs/zh-CN' } as const
const names = readdirSync(DOCS).flatMap(file => (file.endsWith('.md') ? [file.slice(0, -3)] : []))

// A davit that nobody has set up yet is read about all the same.
let davit: Davit

test.beforeAll(async () => {
  davit = await Davit.empty()
})

test.afterAll(async () => {
  await davit.stop()
})

/** The groups of the API's reference, as its first page links them. */
async function groups(page: Page, root: string): Promise<string[]> {
  await page.goto(`${davit.url}${root}/api`)
  const links = await page.locator('main a').evaluateAll(all => all.map(link => new URL((link as HTMLAnchorElement).href).pathname))
  return [...new Set(links)].filter(path => path.startsWith(`${root}/api/`))
}

test('somebody without an account reads, searches, changes the language and finds a route of the API', async ({ browser }) => {
  const context = await browser.newContext({ javaScriptEnabled: false })
  const page = await context.newPage()
  const problems = watch(page, davit)
  await page.goto(`${davit.url}/docs`)
  await page.getByRole('searchbox').first().fill('rollback')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/docs\/search\?q=rollback/)
  await page.locator('main').getByRole('link', { name: /roll/i }).first().click()
  await expect(page.getByRole('heading', { level: 1 })).toContainText(/roll/i)
  await page.goto(`${davit.url}/docs/rollback`)
  await page.getByRole('link', { name: '中文' }).first().click()
  await expect(page).toHaveURL(/\/docs\/zh-CN\/rollback/)
  await expect(page.locator('html')).toHaveAttribute('lang', 'zh-CN')
  await expect(page.getByRole('heading', { level: 1 })).toContainText('回滚')
  const found = await groups(page, ROOTS.en)
  expect(found.length).toBeGreaterThan(10)
  await page.goto(davit.url + (found.find(path => path.endsWith('/hosts')) ?? ''))
  await expect(page.locator('main')).toContainText('/api/v1/hosts/{name}/verify')
  await expect(page.locator('main')).toContainText('curl')
  expect(problems).toEqual([])
  await context.close()
})

for (const [language, root] of Object.entries(ROOTS) as [Language, string][]) {
  test(`every page of the documentation is fine: ${language}`, async ({ page }) => {
    test.setTimeout(1_200_000)
    const problems = watch(page, davit)
    const guide = names.filter(name => name !== 'index').map(name => `${root}/${name}`)
    // The reference is one template over thousands of elements: its colours are looked at below, and in Chinese only its
    // frame has other words.
    const reference = language === 'en' ? await groups(page, root) : []
    for (const path of [...guide, ...reference]) {
      await test.step(path, async () => {
        await page.goto(davit.url + path)
        await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
        for (const address of await page.locator('main img').evaluateAll(all => all.map(each => (each as HTMLImageElement).src))) {
          expect.soft((await page.request.get(address)).status(), `${address} of ${path}`).toBe(200)
        }
        await accessible(page, path, reference.includes(path) ? ['color-contrast'] : [])
      })
    }
    // All pages have one frame and one style.
    for (const [name, path] of Object.entries({ docs: root, 'docs-search': `${root}/search?q=token`, 'docs-api': `${root}/api/hosts` })) {
      await test.step(name, async () => {
        await page.setViewportSize({ width: 1440, height: 900 })
        await page.goto(davit.url + path)
        await everyLook(page, language, name)
      })
    }
    expect(problems).toEqual([])
  })
}
