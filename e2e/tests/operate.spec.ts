// What people do when a release does not go by itself: decide about a host that failed, pass a lock, look at what is
// really live, change how an app is released.
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type APIRequestContext, expect, type Page, test } from '@playwright/test'
import { Davit, logIn } from './davit.ts'

const WRITE = { 'X-Davit-Request': '1' }
const gate = join(tmpdir(), `davit-e2e-gate-${process.pid}`)

let davit: Davit

test.beforeAll(async () => {
  davit = await Davit.demo()
})

test.afterAll(async () => {
  await davit.stop()
  await rm(gate, { force: true })
})

async function signIn(request: APIRequestContext) {
  await request.post(`${davit.url}/api/v1/session`, { data: { name: 'admin', password: davit.password } })
}

/** Makes the last step of releases to staging fail until the gate is there, and hold the host then. */
async function holdOnFailure(request: APIRequestContext) {
  const answer = await request.get(`${davit.url}/api/v1/apps/sample/configs/staging/toml`)
  const kept = (await answer.text()).split('\n').filter(line => !/^(strategy|hooks\.after_release)/.test(line))
  const document = `${kept.join('\n')}\nstrategy = { on_failure = "hold" }\nhooks.after_release = "test -e ${gate}"\n`
  const applied = await request.post(`${davit.url}/api/v1/apply`, {
    headers: WRITE,
    data: { document, values: {}, dry_run: false, prune: false },
  })
  expect(applied.status(), await applied.text()).toBe(200)
}

async function deploy(request: APIRequestContext, page: Page, title: string): Promise<number> {
  const answer = await request.post(`${davit.url}/api/v1/apps/sample/environments/staging/deploy`, {
    headers: WRITE,
    data: { ref: 'main', title },
  })
  const { deployment } = (await answer.json()) as { deployment: number }
  await page.goto(`${davit.url}/deployments/${deployment}`)
  return deployment
}

test('a host that failed is tried again, and the release ends well', async ({ page, request }) => {
  await signIn(request)
  await holdOnFailure(request)
  await logIn(page, davit)
  await deploy(request, page, 'Held, then tried again')
  const notice = page.getByTestId('pause-notice')
  await expect(notice).toContainText('local-host')
  await expect(page.getByTestId('deployment-state')).toContainText('Paused')
  await page.screenshot({ path: 'screenshots/held.png' })
  await writeFile(gate, '')
  await notice.getByTestId('retry-host-local-host').click()
  await expect(page.getByTestId('deployment-state')).toContainText('Succeeded')
  await expect(notice).toHaveCount(0)
  await rm(gate)
})

test('a release that is held is taken back with a reason', async ({ page, request }) => {
  await signIn(request)
  await logIn(page, davit)
  await deploy(request, page, 'Held, then taken back')
  await page.getByTestId('revert').click()
  await page.getByTestId('reason-input').fill('the shop window is empty')
  await page.getByTestId('reason-submit').click()
  await expect(page.getByTestId('deployment-state')).toContainText('Reverted')
  await expect(page.getByTestId('deployment-facts')).toContainText('the shop window is empty')
})

test('a lock keeps a release waiting until somebody lets it pass', async ({ page, request }) => {
  await signIn(request)
  await writeFile(gate, '')
  await logIn(page, davit)
  await page.goto(`${davit.url}/apps/sample?environment=staging`)
  await page.getByTestId('open-lock').click()
  await page.getByTestId('reason-input').fill('The database is being moved.')
  await page.getByTestId('reason-submit').click()
  await expect(page.getByTestId('gate')).toContainText('The database is being moved.')
  await deploy(request, page, 'In spite of the lock')
  const notice = page.getByTestId('pause-notice')
  await expect(notice).toContainText('The database is being moved.')
  await notice.getByTestId('override').click()
  await page.getByTestId('reason-input').fill('it mends the outage')
  await page.getByTestId('reason-submit').click()
  await expect(page.getByTestId('deployment-state')).toContainText('Succeeded')
  await expect(page.getByTestId('deployment-facts')).toContainText('admin')
  await page.goto(`${davit.url}/apps/sample?environment=staging`)
  await page.getByTestId('gate').getByRole('button', { name: 'Unlock' }).click()
  await expect(page.getByTestId('gate')).not.toContainText('The database is being moved.')
})

test('the hosts are asked what they really serve', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/apps/sample?environment=staging`)
  await page.getByTestId('ask-live').click()
  await expect(page.getByTestId('live-local-host')).toContainText('As released')
})

test('a release config is changed on the page of its app', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/apps/sample?environment=staging`)
  await page.getByTestId('edit-release').click()
  const editor = page.getByTestId('release-editor')
  await editor.locator('.cm-content').click()
  await page.keyboard.press('Control+End')
  await page.keyboard.insertText('\ncaches = ["vendor"]\n')
  await page.getByTestId('release-check').click()
  await expect(editor.getByTestId('plan')).toContainText('caches')
  await page.getByTestId('release-save').click()
  await expect(editor).toBeHidden()
  await expect(page.getByTestId('config-staging')).toContainText('vendor')
})
