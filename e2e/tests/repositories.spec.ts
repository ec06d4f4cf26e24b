// CI without a file: a repository is added in a form, with a secret that is typed there; its next push runs green, and
// from it one comes to its runs and back; then it is changed, and taken away.
import { expect, type Page, test } from '@playwright/test'
import { Api } from './api.ts'
import { Davit, logIn, watch } from './davit.ts'
import { Gitea, REPOSITORY } from './gitea.ts'
import { accessible } from './looks.ts'

const WORKFLOW = `
name: CI
on: push
jobs:
  brew:
    runs-on: ubuntu-latest
    steps:
      - run: test "\${{ secrets.TEA }}" = oolong-leaves && echo "\${{ vars.POT }} is full of \${{ secrets.TEA }}"
`

// Each test goes on where the one before ended.
test.describe.configure({ mode: 'serial' })

let davit: Davit
let gitea: Gitea
let api: Api

test.beforeAll(async () => {
  gitea = await Gitea.start()
  davit = await Davit.demo()
  api = await Api.of(davit)
})

test.afterAll(async () => {
  await api.dispose()
  await davit.stop()
  await gitea.stop()
})

/** The names of what is stored. */
async function secrets(page: Page): Promise<string[]> {
  const answer = await page.request.get(`${davit.url}/api/v1/secrets`)
  const { items } = (await answer.json()) as { items: { name: string }[] }
  return items.map(secret => secret.name)
}

/** The forge, in its own form. */
async function addForge(page: Page) {
  await page.goto(`${davit.url}/forges/new`)
  await page.getByTestId('forge-kind').getByText('Gitea', { exact: false }).first().click()
  await page.getByTestId('forge-api').fill(`${gitea.url}/api/v1`)
  await page.getByTestId('forge-token').fill('the-token')
  await page.getByTestId('forge-form-submit').click()
  await expect(page).toHaveURL(/\/forges\/gitea$/)
}

test('a repository is added in a form, and its next push runs green', async ({ page }) => {
  const problems = watch(page, davit)
  await logIn(page, davit)
  await addForge(page)
  await page.goto(`${davit.url}/settings/repositories`)
  await page.getByTestId('new-repository').click()
  await page.getByTestId('repository-forge').click()
  await page.getByRole('option', { name: /^gitea/ }).locator('visible=true').click()
  await page.getByTestId('repository-name').fill('shop')
  await expect(page.getByTestId('repository-form')).toContainText('It must look like owner/name.')
  await page.getByTestId('repository-name').fill(`${gitea.url}/${REPOSITORY}.git`)
  await page.getByTestId('repository-name').press('Tab')
  await expect(page.getByTestId('repository-name')).toHaveValue(REPOSITORY)
  const submit = page.getByTestId('repository-form-submit')
  await expect(submit).toBeEnabled()

  // Without walls only where somebody says that this is meant.
  await page.getByTestId('repository-executor').getByText('This server, no walls').click()
  await expect(page.getByTestId('repository-warning')).toContainText('log in to every host')
  await expect(submit).toBeDisabled()
  await page.getByTestId('repository-trusted').click()
  await page.getByTestId('repository-secrets').click()
  await page.getByTestId('repository-variables').fill('POT=kettle\nno variable')
  await expect(page.getByTestId('repository-form')).toContainText('line 2')
  await page.getByTestId('repository-variables').fill('POT=kettle')
  // What is mended stays in sight.
  await expect(page.getByTestId('repository-form')).not.toContainText('line 2')
  await expect(page.getByTestId('repository-variables')).toBeVisible()
  await page.getByTestId('add-secret').first().click()
  await page.getByTestId('secret-name').fill('TEA')
  await expect(submit).toBeDisabled()
  await accessible(page, 'the form of a repository')
  await page.reload()
  await expect(page.getByTestId('secret-name')).toHaveValue('TEA')
  await page.getByLabel('Value', { exact: true }).fill('oolong-leaves')
  await submit.click()

  const row = page.getByTestId(`repository-${REPOSITORY}`)
  await expect(row).toContainText('This server, no walls')
  await accessible(page, 'the repositories')
  await row.getByRole('link', { name: 'Webhook' }).click()
  await page.getByTestId(`repository-${REPOSITORY}`).getByTestId('register-hook').click()
  await expect(page.getByTestId(`repository-${REPOSITORY}`).getByTestId('registered')).toBeVisible()
  expect(await gitea.push('Brew', { '.gitea/workflows/ci.yml': WORKFLOW })).toBe(202)
  await page.goto(`${davit.url}/settings/repositories`)
  await page.getByTestId(`repository-${REPOSITORY}`).getByRole('link', { name: 'Runs' }).click()
  const run = page.getByTestId('runs').getByRole('row').filter({ hasText: 'Brew' })
  await expect(run).toContainText('Succeeded')
  await run.getByRole('link', { name: 'Brew' }).click()
  await expect(page.getByTestId('log-lines')).toContainText('kettle is full of ***')
  expect(problems).toEqual([])
})

test('from its runs one comes to its settings, which change and are taken away', async ({ page }) => {
  const problems = watch(page, davit)
  await logIn(page, davit)
  await page.goto(`${davit.url}/runs?repository=gitea:${REPOSITORY}`)
  await page.getByTestId('repository-settings').click()
  await expect(page).toHaveURL(/\/settings\/repositories\/gitea\/acme\/shop$/)
  await expect(page.getByTestId('secret-name')).toHaveValue('TEA')
  await page.getByTestId('repository-limits').click()
  await page.getByTestId('repository-memory').fill('1GiB')
  // Somebody else is quicker.
  const path = `/repositories/gitea/${REPOSITORY}`
  const { form } = await api.get<{ form: Record<string, unknown> }>(path)
  await api.put(path, { form: { ...form, memory: '4GiB' }, base: form })
  await page.getByTestId('repository-form-newer').getByRole('button').click()
  await expect(page.getByTestId('repository-memory')).toHaveValue('4GiB')
  await page.getByTestId('repository-merges').getByText('When it is green').click()
  await page.getByTestId('merge-approvals').fill('200')
  await expect(page.getByTestId('repository-form')).toContainText('100')
  await page.getByTestId('merge-approvals').fill('1')
  await page.getByTestId('merge-required').fill('davit/ci/*')
  await page.getByTestId('repository-form-submit').click()
  await expect(page.getByTestId(`repository-${REPOSITORY}`)).toContainText('When it is green')

  await page.getByTestId(`repository-${REPOSITORY}`).getByRole('link', { name: REPOSITORY }).click()
  await page.getByTestId('remove-item').click()
  await page.getByTestId('confirm-input').fill(REPOSITORY)
  // Its secret is nobody else's: it goes with it.
  const withSecrets = page.getByTestId('remove-secrets')
  await expect(withSecrets.getByRole('checkbox')).toBeChecked()
  const stored = (await secrets(page)).filter(name => name.includes('TEA'))
  expect(stored).toHaveLength(1)
  await expect(withSecrets).toContainText(stored[0] ?? '')
  await accessible(page, 'the question whether a repository is removed')
  await page.getByTestId('confirm-submit').click()
  await expect(page.getByTestId('repositories')).toBeVisible()
  expect(await secrets(page)).not.toContain(stored[0])
  await expect(page.getByTestId(`repository-${REPOSITORY}`)).toHaveCount(0)
  // What ran stays.
  await page.goto(`${davit.url}/runs`)
  await expect(page.getByTestId('runs')).toContainText('Brew')
  expect(problems).toEqual([])
})
