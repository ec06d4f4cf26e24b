// Somebody who has never seen davit, from an empty server to the first release of their own repository: forms alone, no
// file, no command.
import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import { Davit, watch } from './davit.ts'
import { Gitea, REPOSITORY } from './gitea.ts'
import { accessible } from './looks.ts'

const target = join(tmpdir(), `davit-e2e-newcomer-${randomUUID()}`)

let davit: Davit
let gitea: Gitea

test.beforeAll(async () => {
  gitea = await Gitea.start()
  davit = await Davit.empty()
})

test.afterAll(async () => {
  await davit.stop()
  await gitea.stop()
  await rm(target, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 })
})

/** The next of the four things, from the page that lists them. */
async function goOn(page: Page, step: 'forge' | 'host' | 'app' | 'deploy') {
  await page.goto(`${davit.url}/welcome`)
  await page.getByTestId(`next-${step}`).click()
}

test('from the wizard to the first release of one’s own repository', async ({ page }) => {
  const problems = watch(page, davit)
  await page.goto(davit.url)
  await page.getByTestId('setup-code').fill(davit.printed(/one-time code:\s+(\S+)/))
  await page.getByTestId('setup-name').fill('ada')
  await page.getByTestId('setup-password').fill('correct horse battery')
  await page.getByTestId('setup-again').fill('correct horse battery')
  await page.getByTestId('setup-submit').click()
  await expect(page.getByTestId('next-steps')).toBeVisible()

  await test.step('a forge', async () => {
    await page.getByTestId('next-forge').click()
    await page.getByTestId('forge-kind').getByText('Gitea', { exact: false }).first().click()
    await page.getByTestId('forge-api').fill(`${gitea.url}/api/v1`)
    await page.getByTestId('forge-token').fill('the-token')
    await accessible(page, 'the form of a forge')
    await page.getByTestId('forge-form-submit').click()
    await expect(page).toHaveURL(/\/forges\/gitea/)
  })

  await test.step('a host, with its environment', async () => {
    await goOn(page, 'host')
    await page.getByTestId('host-kind').getByText('This machine', { exact: false }).click()
    await page.getByTestId('host-name').fill('home')
    await page.getByTestId('host-first-environment').fill('production')
    await page.getByTestId('host-form-submit').click()
    await expect(page.getByTestId('host-home')).toBeVisible()
  })

  await test.step('an app, and how it is released', async () => {
    await goOn(page, 'app')
    await page.getByTestId('app-name').fill('Tea Shop')
    await page.getByTestId('app-forge').click()
    await page.getByRole('option', { name: /gitea/i }).click()
    await page.getByTestId('app-repository').fill(REPOSITORY)
    await page.getByTestId('app-submit').click()
    // It goes on with the one environment that there is.
    await expect(page).toHaveURL(/\/apps\/tea-shop\/configs\/production\/edit/)
    await page.getByTestId('config-next').click()
    await page.getByTestId('config-hosts').click()
    await page.getByRole('option', { name: 'home' }).click()
    await page.keyboard.press('Escape')
    await page.getByTestId('config-deploy-path').fill(`${target}/current`)
    await page.getByTestId('config-releases-path').fill(`${target}/releases`)
    await page.getByTestId('config-next').click()
    await page.getByTestId('config-save').click()
    await expect(page.getByTestId('config-production')).toContainText(`${target}/current`)
  })

  await test.step('the first release', async () => {
    await goOn(page, 'deploy')
    await expect(page.getByTestId('commit-picker')).toContainText('Sell tea')
    await page.getByTestId('request-title').fill('The shop opens')
    await page.getByTestId('request-submit').click()
    await expect(page).toHaveURL(/\/deployments\/\d+$/)
    await expect(page.getByTestId('deployment-state')).toContainText('Succeeded')
    expect(await readFile(join(target, 'current/index.html'), 'utf8')).toBe('tea\n')
  })

  await page.goto(davit.url)
  await expect(page.getByTestId('matrix')).toContainText('The shop opens')
  expect(problems).toEqual([])
})
