// The pictures of the guide, in both languages: pages of a davit in use, as people see them who read about them. Written
// to docs/images/, where they are kept.
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import { Davit, logIn } from './davit.ts'
import { LANGUAGES, type Language, settled } from './looks.ts'
import { type PageRow, testForge, waitForCheck, waitForScripts } from './pages.ts'
import { shrink } from './png.ts'
import { World } from './world.ts'

const IMAGES = join(import.meta.dirname, '../../docs/images')
/** Readers see these paths. */
const HOME = '/srv/davit-demo'
/** `DAVIT_PICTURES=hosts,run`: these alone. */
const ONLY = process.env.DAVIT_PICTURES?.split(',')
const SIZE = { width: 1280, height: 800 }

function pictures({ places }: World): Record<string, PageRow> {
  return {
    overview: { path: '/' },
    'request-new': { path: '/requests/new?app=sample&environment=staging', act: askForSomething },
    request: { path: `/requests/${places.request}` },
    deployment: { path: `/deployments/${places.deployment}` },
    rollback: { path: '/deployments/4', act: openRollback },
    run: { path: `/runs/${places.failedRun}` },
    change: { path: `/changes/${places.change}` },
    app: { path: '/apps/sample' },
    'config-hosts': { path: '/apps/sample/configs/staging/edit?step=hosts', act: waitForCheck },
    'config-scripts': { path: '/apps/sample/configs/staging/edit?step=scripts', act: waitForScripts },
    environments: { path: '/environments' },
    environment: { path: '/environments/production' },
    hosts: { path: '/hosts' },
    'host-new': { path: '/hosts/new', act: fillHost },
    forge: { path: '/forges/gitea', act: testForge },
    repository: { path: '/settings/repositories/new?repository=gitea:acme/tea', act: fillRepository },
    feed: { path: '/feed' },
    values: { path: '/settings/values?app=sample' },
    users: { path: '/settings/users' },
    terminal: { path: '/hosts/ssh-host/terminal', act: useShell },
    palette: { path: '/', act: openPalette },
  }
}

async function askForSomething(page: Page) {
  await expect(page.getByTestId('commit-newest')).toBeChecked()
  await page.getByTestId('request-title').fill('Greet the world a second time')
}

async function openRollback(page: Page) {
  await page.getByTestId('open-rollback').click()
  await expect(page.getByTestId('rollback-dialog').getByRole('radio').first()).toBeVisible()
}

async function fillHost(page: Page) {
  await page.getByTestId('host-address').fill('deploy@web-4.example.com')
  await page.getByTestId('host-address').press('Tab')
}

async function fillRepository(page: Page) {
  await expect(page.getByTestId('repository-name')).toHaveValue('acme/tea')
  await page.getByTestId('repository-merges').locator('label').last().click()
  await page.getByTestId('merge-required').fill('davit/ci/*')
}

async function useShell(page: Page) {
  await expect(page.getByTestId('screen').getByRole('textbox')).toBeFocused()
  await expect(page.getByTestId('screen').locator('.xterm-rows')).toContainText(/[#$]/)
  await page.keyboard.type('uname -s; echo "$((6 * 7)) requests a second"\n')
  await expect(page.getByTestId('screen').locator('.xterm-rows')).toContainText('42 requests')
}

async function openPalette(page: Page) {
  await page.keyboard.press('Control+k')
  await page.getByTestId('palette-input').fill('shop')
  await expect(page.getByRole('option').filter({ hasText: 'Close the shop' }).first()).toBeVisible()
}

let world: World
let untouched: Davit

test.beforeAll(async ({ browser }) => {
  test.setTimeout(180_000)
  await rm(HOME, { recursive: true, force: true })
  world = await World.start(browser, HOME)
  untouched = await Davit.empty()
})

test.afterAll(async () => {
  await Promise.all([world.stop(), untouched.stop()])
  await rm(HOME, { recursive: true, force: true })
})

async function keep(page: Page, language: Language, name: string) {
  await settled(page)
  await page.evaluate(() => window.scrollTo(0, 0))
  const dir = join(IMAGES, language)
  await mkdir(dir, { recursive: true })
  await writeFile(join(dir, `${name}.png`), shrink(await page.screenshot({ caret: 'hide' })))
}

const LOCALES = Object.entries(LANGUAGES) as [Language, string][]

test('the first start', async ({ browser }) => {
  const session = { name: 'admin', password: 'correct horse battery' }
  const api = await browser.newContext()
  const code = untouched.printed(/one-time code:\s+(\S+)/)
  expect((await api.request.post(`${untouched.url}/api/v1/setup`, { data: { code, ...session } })).ok()).toBe(true)
  await api.close()
  for (const [language, locale] of LOCALES) {
    const page = await browser.newPage({ locale, viewport: SIZE, reducedMotion: 'reduce' })
    await page.goto(untouched.url)
    await page.getByTestId('login-name').fill(session.name)
    await page.getByTestId('login-password').fill(session.password)
    await page.getByTestId('login-submit').click()
    await expect(page.getByTestId('first-start')).toBeVisible()
    await page.goto(`${untouched.url}/welcome`)
    await expect(page.getByTestId('next-steps')).toBeVisible()
    await keep(page, language, 'first-start')
    await page.context().close()
  }
})

for (const [language, locale] of LOCALES) {
  test(`davit in use: ${language}`, async ({ browser }) => {
    test.setTimeout(300_000)
    const page = await browser.newPage({ locale, viewport: SIZE, reducedMotion: 'reduce' })
    page.on('dialog', dialog => dialog.accept())
    await logIn(page, world.davit)
    for (const [name, { path, act }] of Object.entries(pictures(world))) {
      if (ONLY && !ONLY.includes(name)) continue
      await test.step(name, async () => {
        await page.goto(world.davit.url + path)
        await settled(page)
        await act?.(page)
        await keep(page, language, name)
      })
    }
    await page.context().close()
  })
}
