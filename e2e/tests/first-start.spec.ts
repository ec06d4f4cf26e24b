import { expect, test } from '@playwright/test'
import { Davit, watch } from './davit.ts'

let davit: Davit

test.beforeAll(async () => {
  davit = await Davit.empty()
})

test.afterAll(async () => {
  await davit.stop()
})

test('the first visit makes the administrator and shows what to do next', async ({ page }) => {
  const problems = watch(page, davit)
  await page.goto(davit.url)
  await page.getByTestId('setup-code').fill('wrong-wrong-wron')
  await page.getByTestId('setup-name').fill('ada')
  await page.getByTestId('setup-password').fill('correct horse battery')
  await page.getByTestId('setup-again').fill('correct horse battery')
  await page.getByTestId('setup-submit').click()
  await expect(page.getByTestId('problem')).toContainText('code')
  // What was typed is still there.
  await expect(page.getByTestId('setup-name')).toHaveValue('ada')
  await page.getByTestId('setup-code').fill(davit.printed(/one-time code:\s+(\S+)/))
  await page.getByTestId('setup-submit').click()
  await expect(page.getByTestId('next-steps')).toBeVisible()
  await page.goto(davit.url)
  await expect(page.getByTestId('first-start')).toBeVisible()
  for (const name of ['runs', 'changes']) {
    await page.getByTestId(`nav-${name}`).click()
    await expect(page.getByTestId('ci-add')).toBeVisible()
  }
  expect(problems).toEqual([])
})

test('the set-up is there once', async ({ request }) => {
  const answer = await request.post(`${davit.url}/api/v1/setup`, {
    data: { code: davit.printed(/one-time code:\s+(\S+)/), name: 'eve', password: 'another long password' },
  })
  expect(answer.status()).toBe(409)
})
