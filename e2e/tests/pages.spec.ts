// Every page in both languages, light and dark, on a laptop and a phone: accessible, nothing sticks out, nothing is
// asked from any other host, nothing throws. `make screenshots` keeps a picture of each to be looked at.
import { expect, test } from '@playwright/test'
import { Davit, logIn, watch } from './davit.ts'
import { everyLook, LANGUAGES, type Language, settled } from './looks.ts'
import { type PageRow, pages, routeNames } from './pages.ts'
import { World } from './world.ts'

// Pages of a davit that nobody has set up.
const UNTOUCHED = { setup: '/setup' }

// The languages side by side, each with a world of its own.
test.describe.configure({ mode: 'parallel' })

let world: World
let untouched: Davit

test.beforeAll(async ({ browser }) => {
  const started = await Promise.all([World.start(browser), Davit.empty()])
  world = started[0]
  untouched = started[1]
})

test.afterAll(async () => {
  await Promise.all([world.stop(), untouched.stop()])
})

for (const language of Object.keys(LANGUAGES) as Language[]) {
  test(`every page is fine: ${language}`, async ({ browser }) => {
    test.setTimeout(1_200_000)
    const rows = pages(world.places)
    expect([...Object.keys(rows), ...Object.keys(UNTOUCHED)].sort()).toEqual(routeNames().sort())
    const context = await browser.newContext({ locale: LANGUAGES[language] })
    const page = await context.newPage()
    // A terminal that is open asks before it is left.
    page.on('dialog', dialog => dialog.accept())

    const early = watch(page, untouched)
    for (const [name, path] of Object.entries(UNTOUCHED)) {
      await page.goto(untouched.url + path)
      await settled(page)
      await everyLook(page, language, name)
    }
    expect(early).toEqual([])
    page.removeAllListeners('request')

    const problems = watch(page, world.davit)
    await logIn(page, world.davit)
    for (const [name, row] of Object.values(rows).flatMap(each => Object.entries(each))) {
      await test.step(name, async () => {
        const { path, act }: PageRow = typeof row === 'string' ? { path: row } : row
        await page.setViewportSize({ width: 1440, height: 900 })
        await page.goto(world.davit.url + path)
        await settled(page)
        await act?.(page)
        await everyLook(page, language, name)
      })
    }
    expect(problems).toEqual([])
    await context.close()
  })
}
