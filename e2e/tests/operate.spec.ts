// What people do when a release does not go by itself: decide about a host that failed, pass a lock, look at what is
// really live, change how an app is released.
import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type APIRequestContext, expect, type Page, test } from '@playwright/test'
import { Davit, logIn } from './davit.ts'

const WRITE = { 'X-Davit-Request': '1' }
const gate = join(tmpdir(), `davit-e2e-gate-${randomUUID()}`)

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
  expect(answer.status(), await answer.text()).toBe(201)
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

/** Two hosts, one after the other, and the second one refuses. */
async function releaseInBatches(request: APIRequestContext) {
  const answer = await request.get(`${davit.url}/api/v1/apps/sample/configs/staging/toml`)
  const kept = (await answer.text()).split('\n').filter(line => !/^(strategy|hooks\.after_release)/.test(line))
  const document = `${kept.join('\n')}
strategy = { batches = [["local-host"], "100%"], pause = "confirm", on_failure = "hold" }
hooks.after_release = "test $DAVIT_HOST_NAME = local-host"

[[host]]
name = "second-host"
kind = "local"
labels = ["web"]
environments = ["staging"]
`
  const data = { document, values: {}, dry_run: false, prune: false }
  const applied = await request.post(`${davit.url}/api/v1/apply`, { headers: WRITE, data })
  expect(applied.status(), await applied.text()).toBe(200)
}

test('the next batch goes when somebody says so, and a host that refuses is left out', async ({ page, request }) => {
  await signIn(request)
  await releaseInBatches(request)
  await logIn(page, davit)
  await deploy(request, page, 'One host after the other')
  const notice = page.getByTestId('pause-notice')
  await expect(notice).toContainText('1 of 2')
  await notice.getByTestId('continue').click()
  await notice.getByTestId('skip-host-second-host').click()
  await page.getByTestId('reason-input').fill('it is being replaced')
  await page.getByTestId('reason-submit').click()
  await expect(notice).toHaveCount(0)
  await expect(page.getByTestId('deployment-state')).toContainText('Succeeded')
  const removed = await request.delete(`${davit.url}/api/v1/hosts/second-host`, { headers: WRITE })
  expect(removed.ok(), await removed.text()).toBe(true)
  await holdOnFailure(request)
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

test('a release config is changed in its form, checked while it is filled in, and taken back', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/apps/sample?environment=staging`)
  await page.getByTestId('edit-release').click()
  await page.getByTestId('config-caches').fill('../outside')
  await expect(page.getByTestId('config-problems')).toBeVisible()
  await page.getByTestId('config-caches').fill('vendor')
  await expect(page.getByTestId('config-fine')).toBeVisible()
  await page.getByTestId('step-scripts').click()
  await page.getByTestId('hook-after_checkout').click()
  await expect(page.getByTestId('hook-after_checkout')).toBeFocused()
  await page.keyboard.press('Control+End')
  await page.keyboard.insertText('\n# said in the form\n')
  await page.reload()
  await expect(page.getByTestId('hook-after_checkout')).toContainText('# said in the form')
  await page.getByTestId('config-save').click()
  await expect(page).toHaveURL(/\/apps\/sample\?environment=staging/)
  await expect(page.getByTestId('config-staging')).toContainText('vendor')
  await page.getByTestId('release-history').click()
  await expect(page.getByTestId('patch')).toContainText('vendor')
  await page.getByTestId('revisions').getByRole('radio').nth(1).check({ force: true })
  await expect(page.getByTestId('patch')).not.toContainText('vendor')
  await page.getByTestId('restore').click()
  // Whoever leaves before it is saved takes nothing back.
  await expect(page.getByTestId('restore')).toHaveCount(0)
  await expect(page.getByTestId('patch')).toContainText('vendor')
  await page.goto(`${davit.url}/apps/sample?environment=staging`)
  await expect(page.getByTestId('config-staging')).not.toContainText('vendor')
})

test('a dry run says what a release would do', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/apps/sample/configs/staging/edit`)
  await page.getByTestId('dry-run-reference').fill('main')
  await page.getByTestId('dry-run-start').click()
  await expect(page.getByTestId('dry-run-result')).toContainText('local-host')
})

test('a new app gets its first release config', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/apps`)
  await page.getByTestId('new-app').click()
  await page.getByTestId('app-name').fill('Second Page')
  await expect(page.getByTestId('app-key')).toHaveValue('second-page')
  await page.getByTestId('app-url').fill('https://git.example/second.git')
  await page.getByTestId('app-submit').click()
  await expect(page).toHaveURL(/\/apps\/second-page$/)
  await page.getByTestId('add-config').click()
  await page.getByRole('option', { name: 'Staging' }).click()
  await page.getByTestId('config-next').click()
  await page.getByTestId('config-hosts').click()
  await page.getByRole('option', { name: 'local-host' }).click()
  await page.keyboard.press('Escape')
  await page.getByTestId('config-deploy-path').fill('srv/second')
  await expect(page.getByTestId('config-form')).toContainText('absolute')
  await page.getByTestId('config-deploy-path').fill('/tmp/davit-e2e-second/live')
  await page.getByTestId('config-releases-path').fill('/tmp/davit-e2e-second/releases')
  // While the editors are fetched all stands where it will be, so that nobody presses what has just moved away.
  let fetch = () => {}
  const fetched = new Promise<void>(resolve => {
    fetch = resolve
  })
  await page.route('**/ScriptCode-*.js', async route => {
    await fetched
    await route.continue()
  })
  await page.getByTestId('config-next').click()
  const save = page.getByTestId('config-save')
  await expect(page.getByTestId('config-filter')).toBeVisible()
  await expect(save).toBeVisible()
  const before = await save.boundingBox()
  fetch()
  await expect(page.getByTestId('hook-after_release')).toBeVisible()
  await expect(page.getByTestId('config-variables')).toBeVisible()
  expect(await save.boundingBox()).toEqual(before)
  await save.click()
  await expect(page.getByTestId('config-staging')).toContainText('/tmp/davit-e2e-second/live')
  await page.getByTestId('remove-app').click()
  await page.getByTestId('confirm-input').fill('second-page')
  await page.getByTestId('confirm-submit').click()
  await expect(page).toHaveURL(/\/apps$/)
  await expect(page.getByTestId('app-second-page')).toHaveCount(0)
})
