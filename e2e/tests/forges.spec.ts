// A forge from end to end: test what davit may do there, register its hook with one click, see what it sends without a
// reload, look at what davit could not tell it, and send that again.
import { type APIRequestContext, expect, test } from '@playwright/test'
import { Davit, logIn, messageOf, watch } from './davit.ts'
import { Gitea, REPOSITORY } from './gitea.ts'

const WRITE = { 'X-Davit-Request': '1' }

let davit: Davit
let gitea: Gitea

test.beforeAll(async () => {
  gitea = await Gitea.start()
  davit = await Davit.demo()
})

test.afterAll(async () => {
  await davit.stop()
  await gitea.stop()
})

/** The forge, whose webhook secret davit is to make, and an app there that is released to the demo's staging. */
async function configure(request: APIRequestContext) {
  await request.post(`${davit.url}/api/v1/session`, { data: { name: 'admin', password: davit.password } })
  const toml = await request.get(`${davit.url}/api/v1/apps/sample/configs/staging/toml`)
  const releasesPath = /^releases_path = "(.*)"$/m.exec(await toml.text())?.[1] ?? ''
  const document = `
[[forge]]
id = "gitea"
kind = "gitea"
api_url = "${gitea.url}/api/v1"
token = { env = "GITEA_TOKEN" }
webhook_secret = { secret = "gitea-hook" }

[[app]]
key = "shop"
name = "Shop"
repository = { forge = "gitea", name = "${REPOSITORY}" }

[[app.release]]
environment = "staging"
hosts = ["local-host"]
deploy_path = "${releasesPath}-shop/current"
releases_path = "${releasesPath}-shop/releases"
auto = { on = "push", branches = ["main"] }
`
  const values = { 'env:GITEA_TOKEN': 'the-token' }
  const data = { document, values, dry_run: false, prune: false }
  const applied = await request.post(`${davit.url}/api/v1/apply`, { headers: WRITE, data })
  expect(applied.status(), await applied.text()).toBe(200)
}

test('a forge is tested, gets its hook, and what it sends shows at once', async ({ page, request }) => {
  await configure(request)
  const problems = watch(page, davit)
  await logIn(page, davit)
  await page.getByTestId('nav-forges').click()
  await expect(page.getByTestId('forge-gitea')).toContainText('No secret')
  await page.getByTestId('forge-gitea').getByRole('link', { name: 'gitea' }).click()
  await expect(page.getByTestId('hook-url')).toContainText(`${davit.url}/hooks/gitea`)
  await expect(page.getByTestId('hook-steps')).toContainText('Target URL')

  const repository = page.getByTestId(`repository-${REPOSITORY}`)
  await repository.getByTestId('test').click()
  await expect(repository.getByTestId('hook-state')).toHaveText('No hook yet')
  await expect(repository.getByTestId('need').filter({ hasText: 'Read the code' })).toContainText('Granted')
  await repository.getByTestId('register-hook').click()
  await expect(repository.getByTestId('registered')).toContainText('davit made its secret')
  await expect(repository.getByTestId('hook-state')).toHaveText('Hook is registered')
  await expect(page.getByTestId('secret-state')).toHaveText('Set')
  expect(gitea.hooks.map(hook => hook.config.url)).toEqual([`${davit.url}/hooks/gitea`])
  await page.screenshot({ path: 'screenshots/forge.png', fullPage: true })

  await page.getByTestId('nav-deliveries').click()
  await expect(page.getByTestId('empty')).toBeVisible()
  expect(await gitea.push('Sell tea')).toBe(202)
  const delivery = page.getByTestId('deliveries').getByRole('row').nth(1)
  await expect(delivery).toContainText(REPOSITORY)
  await expect(delivery).toContainText('Processed')
  await delivery.getByRole('link', { name: 'push' }).click()
  await expect(page.getByTestId('started')).toContainText('shop')
  await expect(page.getByTestId('started')).toContainText('Succeeded')
  await expect(page.getByTestId('delivery-body')).toContainText(`"after": "${gitea.commit}"`)
  await expect(page.getByText(gitea.hooks[0]?.config.secret ?? 'none')).toHaveCount(0)
  await expect.poll(() => gitea.statuses).toContain('success davit/deploy/staging')
  expect(problems).toEqual([])
})

test('a search and a filter find a delivery and stay in the address', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/deliveries`)
  const search = page.getByRole('textbox', { name: 'Search' })
  await search.fill('nothing like this')
  await expect(page.getByTestId('empty')).toContainText('Nothing matches')
  await expect(page).toHaveURL(/search=nothing/)
  await search.fill(REPOSITORY)
  await expect(page.getByTestId('deliveries').getByRole('row')).toHaveCount(2)
})

test('what could not be told says why, and is sent again by hand', async ({ page, request }) => {
  gitea.takesStatuses = false
  gitea.statuses.length = 0
  await request.post(`${davit.url}/api/v1/session`, { data: { name: 'admin', password: davit.password } })
  await logIn(page, davit)
  await page.goto(`${davit.url}/outbox`)
  await expect(page.getByTestId('empty')).toContainText('Everything has been told')
  const asked = await request.post(`${davit.url}/api/v1/apps/shop/environments/staging/deploy`, {
    headers: WRITE,
    data: { ref: 'main', title: 'While Gitea refuses' },
  })
  expect(asked.ok(), await asked.text()).toBe(true)
  const waiting = page.getByTestId('outbox-open').getByRole('row').filter({ hasText: 'success: davit/deploy/staging' })
  await expect(waiting).toContainText('Waiting')
  await expect(waiting).toContainText('scope')
  await page.screenshot({ path: 'screenshots/outbox.png' })
  // davit tries again by itself as well: Gitea takes it once it was asked for by hand.
  await page.route('**/api/v1/outbox/*/retry', async route => {
    gitea.takesStatuses = true
    await route.continue()
  })
  await waiting.getByRole('button', { name: /Send now/ }).click()
  await expect(page.getByTestId('empty')).toContainText('Everything has been told')
  expect(gitea.statuses).toContain('success davit/deploy/staging')
})

test('a deploy key is made and added to the repository', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/forges/gitea`)
  const section = page.getByTestId('deploy-key')
  await section.getByTestId('make-deploy-key').click()
  await expect(section.getByTestId('deploy-key-line')).toContainText('ssh-ed25519 ')
  await expect(section).toContainText('git_key = { secret = "gitea-deploy-key" }')
  const added = messageOf(page, `The key is added to ${REPOSITORY}.`)
  await section.getByTestId('add-deploy-key').click()
  await added
  expect(gitea.keys).toHaveLength(1)
})

test('a forge page can be used by keyboard alone', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/forges/gitea`)
  const repository = page.getByTestId(`repository-${REPOSITORY}`)
  await repository.getByTestId('test').focus()
  await page.keyboard.press('Enter')
  await expect(repository.getByTestId('hook-state')).toHaveText('Hook is registered')
  await page.getByTestId('other-repository').focus()
  await page.keyboard.type('acme/nothing')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('repository-acme/nothing')).toContainText('Not reachable')
})
