// Without a mouse: the palette, keys that lead to pages, and a release from the first key to the last.
import { expect, type Locator, type Page, test } from '@playwright/test'
import { Davit, logIn, watch } from './davit.ts'
import { accessible } from './looks.ts'

const MOST_STEPS = 80

let davit: Davit

test.beforeAll(async () => {
  davit = await Davit.demo()
})

test.afterAll(async () => {
  await davit.stop()
})

/** Presses Tab until the element has the focus. */
async function tabTo(page: Page, target: Locator): Promise<void> {
  await expect(target).toBeAttached()
  for (let step = 0; step < MOST_STEPS; step += 1) {
    if (await target.evaluate(element => element === document.activeElement)) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab does not reach ${target}`)
}

test('the palette leads to a page, finds a thing, and does a deed', async ({ page }) => {
  const problems = watch(page, davit)
  await logIn(page, davit)
  await page.keyboard.press('Control+k')
  const field = page.getByTestId('palette-input')
  await expect(field).toBeFocused()
  await accessible(page, 'the palette')
  await field.pressSequentially('outb')
  await expect(page.getByRole('option', { selected: true })).toContainText('Outbox')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/outbox$/)
  await expect(page.getByTestId('palette')).toHaveCount(0)

  await page.keyboard.press('Control+k')
  await field.pressSequentially('sample')
  const app = page.getByRole('listbox').getByRole('option').filter({ hasText: 'Sample' }).first()
  await expect(app).toBeVisible()
  await field.press('Escape')
  await expect(page.getByTestId('palette')).toHaveCount(0)

  await page.keyboard.press('Control+k')
  await field.pressSequentially('中文')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('发件箱')
  await page.keyboard.press('Control+k')
  await field.pressSequentially('english')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Outbox')
  expect(problems).toEqual([])
})

test('keys lead to pages, and a sheet says which', async ({ page }) => {
  await page.clock.install()
  await logIn(page, davit)
  // A letter counts for a while after `g`: for the page no time goes by between them, however slow the machine is.
  await page.clock.pauseAt(Date.now() + 60_000)
  await page.keyboard.press('g')
  await page.keyboard.press('h')
  await page.clock.resume()
  await expect(page).toHaveURL(/\/hosts$/)
  await page.keyboard.press('?')
  await expect(page.getByTestId('shortcuts')).toBeVisible()
  await accessible(page, 'the sheet of shortcuts')
  await page.keyboard.press('Escape')
  await expect(page.getByTestId('shortcuts')).toBeHidden()
})

test('something is released by keyboard alone, from the login on', async ({ page }) => {
  await page.goto(davit.url)
  await tabTo(page, page.getByTestId('login-name'))
  await page.keyboard.type('admin')
  await tabTo(page, page.getByTestId('login-password'))
  await page.keyboard.type(davit.password)
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('matrix')).toBeVisible()
  await page.keyboard.press('n')
  await expect(page).toHaveURL(/\/requests\/new/)
  await tabTo(page, page.getByTestId('place-staging'))
  await page.keyboard.press('Space')
  await expect(page.getByTestId('commit-newest')).toBeChecked()
  await tabTo(page, page.getByTestId('request-title'))
  await page.keyboard.type('Without a mouse')
  await expect(page.getByTestId('request-submit')).toBeEnabled()
  await tabTo(page, page.getByTestId('request-submit'))
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/deployments\/\d+$/)
  await expect(page.getByTestId('deployment-state')).toContainText('Succeeded')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Without a mouse')
})
