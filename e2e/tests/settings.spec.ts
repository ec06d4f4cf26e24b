// Accounts, what they may do where, secrets, notices, the feed and shells: what an administrator sets up, and what
// people do with their own accounts.
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type APIRequestContext, type Browser, expect, type Page, test } from '@playwright/test'
import { Davit, logIn, logInAs, messageOf, watch } from './davit.ts'
import { accessible } from './looks.ts'
import { waitForShell } from './pages.ts'
import { totp, wrongTotp } from './totp.ts'

const WRITE = { 'X-Davit-Request': '1' }
const PASSWORD = 'correct-horse-battery-staple'

let davit: Davit

test.beforeAll(async ({ playwright }) => {
  davit = await Davit.demo()
  const api = await playwright.request.newContext()
  await signIn(api)
  await apply(api, '[[app]]\nkey = "hidden"\nname = "Hidden"\nrepository = { url = "https://git.example.com/hidden.git" }\n')
  const made = await api.post(`${davit.url}/api/v1/users`, {
    headers: WRITE,
    data: { name: 'mei', role: 'viewer', password: PASSWORD },
  })
  expect(made.status(), await made.text()).toBe(201)
  await api.dispose()
})

test.afterAll(async () => {
  await davit.stop()
})

async function signIn(request: APIRequestContext) {
  await request.post(`${davit.url}/api/v1/session`, { data: { name: 'admin', password: davit.password } })
}

async function apply(request: APIRequestContext, document: string) {
  const applied = await request.post(`${davit.url}/api/v1/apply`, {
    headers: WRITE,
    data: { document, values: {}, dry_run: false, prune: false },
  })
  expect(applied.status(), await applied.text()).toBe(200)
}

async function choose(page: Page, field: string, option: string) {
  await page.getByTestId(field).click()
  await page.getByRole('option', { name: option, exact: true }).locator('visible=true').click()
}

async function pageOf(browser: Browser, name: string) {
  const page = await browser.newPage()
  await logInAs(page, davit, name, PASSWORD)
  return page
}

test('an account with a grant on one app sees that app alone', async ({ page, browser }) => {
  const problems = watch(page, davit)
  await logIn(page, davit)
  await page.goto(`${davit.url}/settings`)
  await page.getByTestId('add-user').click()
  await page.getByTestId('user-name').fill('bo')
  await choose(page, 'user-role', 'No role everywhere')
  await page.getByTestId('new-password').fill(PASSWORD)
  await page.getByTestId('new-password-again').fill(PASSWORD)
  await page.getByTestId('user-dialog-submit').click()
  await expect(page.getByRole('heading', { level: 2, name: 'bo' })).toBeVisible()

  const early = await browser.newPage()
  await early.goto(davit.url)
  await early.getByTestId('login-name').fill('bo')
  await early.getByTestId('login-password').fill(PASSWORD)
  await early.getByTestId('login-submit').click()
  await expect(early.getByTestId('empty')).toContainText('There is nothing for you to see yet')
  await expect(early.getByTestId('nav-requests')).toHaveCount(0)
  await early.context().close()

  await page.getByTestId('give-grant').click()
  await choose(page, 'grant-role', 'Developer')
  await choose(page, 'scope-kind', 'An app')
  await choose(page, 'scope-app', 'Sample')
  await page.getByTestId('grant-dialog-submit').click()
  await expect(page.getByTestId('grants')).toContainText('Developer')
  await expect(page.getByTestId('grants')).toContainText('sample')

  const bo = await pageOf(browser, 'bo')
  await bo.goto(`${davit.url}/apps`)
  await expect(bo.getByText('Sample', { exact: true }).first()).toBeVisible()
  await expect(bo.getByText('Hidden')).toHaveCount(0)
  await bo.goto(`${davit.url}/apps/hidden`)
  await expect(bo.getByTestId('problem')).toBeVisible()
  await bo.goto(`${davit.url}/settings`)
  await expect(bo.getByTestId('values').getByTestId('empty')).toBeVisible()
  await expect(bo.getByTestId('settings-users')).toHaveCount(0)
  await bo.context().close()
  expect(problems).toEqual([])
})

test('a group gives what it has to whoever joins it', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/settings/groups`)
  await page.getByTestId('add-group').click()
  await page.getByTestId('group-name').fill('leads')
  await page.getByTestId('group-dialog-submit').click()
  await expect(page.getByRole('heading', { level: 2, name: 'leads' })).toBeVisible()
  await choose(page, 'member-choice', 'mei')
  await page.getByTestId('member-add').click()
  await expect(page.getByTestId('members')).toContainText('mei')
  await page.getByTestId('give-grant').click()
  await choose(page, 'grant-role', 'Reviewer')
  await choose(page, 'scope-kind', 'An environment')
  await choose(page, 'scope-environment', 'Production')
  await page.getByTestId('grant-dialog-submit').click()
  await expect(page.getByTestId('grants')).toContainText('Reviewer')
  await page.goto(`${davit.url}/settings/users/mei`)
  await expect(page.getByTestId('grants')).toContainText('through leads')
})

test('a second factor is set up with its picture, and asked for at the next login', async ({ browser }) => {
  const page = await pageOf(browser, 'mei')
  await page.goto(`${davit.url}/account`)
  await page.getByTestId('set-up-factor').click()
  await page.getByTestId('factor-password').fill('not the password')
  await page.getByTestId('factor-submit').click()
  await expect(page.getByTestId('factor-dialog').getByTestId('problem')).toBeVisible()
  await page.getByTestId('factor-password').fill(PASSWORD)
  await page.getByTestId('factor-submit').click()
  const picture = page.getByAltText('Picture with the secret, to be scanned')
  await expect(picture).toBeVisible()
  const drawn = () => picture.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth))
  expect(await drawn(), 'the picture is drawn').toBeGreaterThan(0)
  const secret = (await page.getByTestId('factor-secret').textContent()) ?? ''
  await page.getByTestId('factor-code').fill(wrongTotp(secret))
  await page.getByTestId('factor-submit').click()
  await expect(page.getByTestId('factor-dialog').getByTestId('problem')).toBeVisible()
  await page.getByTestId('factor-code').fill(totp(secret))
  await page.getByTestId('factor-submit').click()
  const codes = (await page.getByTestId('recovery-codes').locator('code').textContent())?.trim().split('\n') ?? []
  expect(codes).toHaveLength(10)
  await page.getByTestId('recovery-kept').click()
  await expect(page.getByTestId('second-factor')).toContainText('On')

  await page.getByTestId('log-out').click()
  await page.getByTestId('login-name').fill('mei')
  await page.getByTestId('login-password').fill(PASSWORD)
  await page.getByTestId('login-submit').click()
  await page.getByTestId('login-code').fill(wrongTotp(secret))
  await page.getByTestId('login-submit').click()
  await expect(page.getByTestId('problem')).toContainText('code')
  // The code of the set-up counts once; the next one counts already.
  await page.getByTestId('login-code').fill(totp(secret, 1))
  await page.getByTestId('login-submit').click()
  await expect(page.getByTestId('nav-account').first()).toContainText('mei')

  await page.getByTestId('log-out').click()
  await page.getByTestId('login-name').fill('mei')
  await page.getByTestId('login-password').fill(PASSWORD)
  await page.getByTestId('login-submit').click()
  await page.getByTestId('login-code').fill(codes[0] ?? '')
  await page.getByTestId('login-submit').click()
  await expect(page.getByTestId('nav-account').first()).toContainText('mei')
  await page.goto(`${davit.url}/account`)
  await expect(page.getByTestId('second-factor')).toContainText('9 recovery codes left')
  await page.context().close()
})

test('a token does what it may, once it is made, until it is revoked', async ({ page, playwright }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/account`)
  await page.getByTestId('new-token').click()
  await page.getByTestId('token-name').fill('dashboard')
  await choose(page, 'token-role', 'At most Viewer')
  await page.getByTestId('token-submit').click()
  const token = (await page.getByTestId('token-text').locator('code').textContent())?.trim() ?? ''
  const script = await playwright.request.newContext({ extraHTTPHeaders: { Authorization: `Bearer ${token}` } })
  const apps = `${davit.url}/api/v1/apps`
  expect((await script.get(apps)).status()).toBe(200)
  const asked = await script.post(`${apps}/sample/environments/staging/deploy`, { data: { ref: 'main' } })
  expect(asked.status()).toBe(403)
  await page.getByTestId('token-dialog').getByRole('button', { name: 'Close', exact: true }).click()
  await expect(page.getByTestId('token-dashboard')).toContainText('At most Viewer')
  await page.getByTestId('revoke-dashboard').click()
  await page.getByTestId('revoke-dashboard').click()
  await expect(page.getByTestId('token-dashboard')).toHaveCount(0)
  expect((await script.get(apps)).status()).toBe(401)
  await script.dispose()
})

async function setValue(page: Page, key: string, kind: string, text: string) {
  await page.getByTestId('add-value').or(page.getByTestId('add-first-value')).click()
  await page.getByTestId('value-key').fill(key)
  await page.getByTestId('value-kind').getByText(kind, { exact: true }).click()
  await page.getByTestId('value-text').fill(text)
  await page.getByTestId('value-dialog-submit').click()
  await expect(page.getByTestId(`value-${key}`)).toBeVisible()
}

test('values are inherited, secrets are shown to nobody, and history leads back', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/settings/values`)
  await setValue(page, 'API_URL', 'Text', 'https://api.example.com')
  await setValue(page, 'API_KEY', 'Secret', 'hunter2-and-more')
  await expect(page.getByTestId('value-API_KEY')).toContainText('shown to nobody')
  await expect(page.getByText('hunter2-and-more')).toHaveCount(0)

  await choose(page, 'values-app', 'Sample')
  await expect(page.getByTestId('value-API_URL')).toContainText('Everywhere')
  await page.getByTestId('edit-API_URL').click()
  await page.getByTestId('value-text').fill('https://staging.example.com')
  await page.getByTestId('value-dialog-submit').click()
  await expect(page.getByTestId('value-API_URL')).toContainText('in place of a wider one')
  await page.getByTestId('edit-API_URL').click()
  await page.getByTestId('value-text').fill('https://mistake.example.com')
  await page.getByTestId('value-dialog-submit').click()
  await expect(page.getByTestId('value-API_URL')).toContainText('mistake')

  await page.getByTestId('values-history').click()
  const diff = page.getByTestId('values-diff')
  await expect(diff).toContainText('https://staging.example.com')
  await expect(diff).toContainText('https://mistake.example.com')
  await page.getByTestId('restore-1').click()
  await expect(page.getByTestId('value-API_URL')).toContainText('https://staging.example.com')
})

test('a channel is tried out, and what it would say is shown', async ({ page, request }) => {
  const heard: string[] = []
  const server: Server = createServer((incoming, answer) => {
    let body = ''
    incoming.setEncoding('utf8').on('data', (part: string) => {
      body += part
    })
    incoming.on('end', () => {
      heard.push(body)
      answer.writeHead(heard.length > 1 ? 500 : 200).end()
    })
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  await signIn(request)
  const secret = await request.put(`${davit.url}/api/v1/secrets/hook`, { headers: WRITE, data: { value: `http://127.0.0.1:${port}/in` } })
  expect(secret.ok(), await secret.text()).toBe(true)
  await apply(request, '[[channel]]\nid = "hook"\nkind = "webhook"\nurl = { secret = "hook" }\nallow_private = true\n')

  await logIn(page, davit)
  await page.goto(`${davit.url}/settings/channels`)
  await page.getByTestId('test-hook').click()
  await expect(page.getByTestId('result-hook')).toContainText('Taken')
  expect(heard).toHaveLength(1)
  await page.getByTestId('test-hook').click()
  await expect(page.getByTestId('result-hook')).toContainText('Refused')
  await page.getByTestId('preview-hook').click()
  await expect(page.getByTestId('preview-text')).not.toBeEmpty()
  await new Promise(done => server.close(done))
})

test('a channel says what happened in words of its own', async ({ page }) => {
  const problems = watch(page, davit)
  await logIn(page, davit)
  await page.goto(`${davit.url}/settings/channels/new`)
  await page.getByTestId('channel-id').fill('words')
  await page.getByTestId('channel-reach').getByText('Only these').click()
  await page.getByTestId('channel-form').getByText('Failed', { exact: true }).click()
  const part = page.getByTestId('channel-words')
  const row = page.getByTestId('template-row')
  const text = page.getByTestId('template-text')
  const submit = page.getByTestId('channel-form-submit')
  await expect(page.getByTestId('add-template')).toBeHidden()
  await part.click()
  await page.getByTestId('add-template').click()
  await expect(row.getByTestId('template-event')).toContainText('Failed')
  await text.fill('{{ app }} broke: {{ reason')
  await expect(row).toContainText('is not a template in its line 1')
  await text.fill('{{ app }} broke: {{ reason }}')
  await expect(row).not.toContainText('is not a template')
  await expect(text).toBeVisible()
  await page.getByTestId('add-template').click()
  await expect(row.last().getByTestId('template-event')).toContainText('Review requested')

  await page.reload()
  await expect(text.first()).toHaveValue('{{ app }} broke: {{ reason }}')
  await page.getByTestId('channel-url').fill('https://hooks.slack.com/services/T0/B0/x')
  await expect(submit).toBeDisabled()
  await accessible(page, 'the words of a channel')
  await page.getByRole('button', { name: 'Remove the text of: Review requested' }).click()
  await expect(row).toHaveCount(1)
  await submit.click()

  const preview = page.getByTestId('preview-text')
  await page.getByTestId('preview-words').click()
  await expect(preview).toContainText('shop broke: step 6')
  await page.getByTestId('preview-dialog').getByRole('button', { name: 'Close', exact: true }).click()
  await page.getByTestId('edit-channel-words').click()
  await expect(text).toHaveValue('{{ app }} broke: {{ reason }}')
  await page.getByRole('button', { name: 'Remove the text of: Failed' }).click()
  await submit.click()
  await page.getByTestId('preview-words').click()
  await expect(preview).toContainText('step 6')
  await expect(preview).not.toContainText('broke')
  const saved = await page.request.get(`${davit.url}/api/v1/channels/words`)
  expect((await saved.json()).form).toEqual({ kind: 'slack', url: { secret: 'channel-words-url' }, events: ['failed'] })
  expect(problems).toEqual([])
})

test('the feed tells who changed what from where, and leaves as a file', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/settings/users/mei`)
  await choose(page, 'edit-role', 'Developer')
  const changed = messageOf(page, 'mei is changed.')
  await page.getByTestId('edit-save').click()
  await changed
  await page.goto(`${davit.url}/feed?q=mei`)
  const entry = page.getByTestId('feed').locator('li', { hasText: 'changed the role of' }).first()
  await entry.getByRole('button').click()
  await expect(entry.getByTestId('before-after')).toContainText('developer')
  await expect(entry).toContainText('127.0.0.1')
  await expect(entry.getByText(/Sealed as number/)).toBeVisible()

  const waiting = page.waitForEvent('download')
  await page.getByTestId('export-csv').click()
  const file = await readFile(await (await waiting).path(), 'utf8')
  expect(file.split('\n')[0]).toContain('actor')
  expect(file).toContain('user_role_changed')
})

test('what happens before the page is listening is shown, too', async ({ page, request }) => {
  await logIn(page, davit)
  let listen = () => {}
  const mayListen = new Promise<void>(done => (listen = done))
  await page.route('**/api/v1/events?*', async route => {
    await mayListen
    await route.continue()
  })
  await page.goto(`${davit.url}/feed?q=between`)
  await expect(page.getByText('Nothing matches')).toBeVisible()
  await signIn(request)
  const data = { name: 'between', role: 'viewer', password: PASSWORD }
  expect((await request.post(`${davit.url}/api/v1/users`, { headers: WRITE, data })).status()).toBe(201)
  const newest = async () => (await (await request.get(`${davit.url}/api/v1/feed?q=between`)).json()).items[0]
  await expect.poll(async () => (await newest()).sealed).toBe(true)
  await expect(page.getByTestId('feed')).toHaveCount(0)
  listen()
  await expect(page.getByTestId('feed').locator('li').first()).toContainText('between')
})

test('a shell on a host is opened, recorded and played', async ({ page }) => {
  const problems = watch(page, davit)
  await logIn(page, davit)
  await page.goto(`${davit.url}/hosts`)
  await expect(page.getByTestId('terminal-local-host')).toHaveCount(0)
  await page.getByTestId('terminal-ssh-host').click()
  await expect(page.getByTestId('terminal-state')).toContainText('Open')
  await waitForShell(page)
  const screen = page.getByTestId('screen').locator('.xterm-rows')
  // A line of the terminal itself, not of the shell's editor: that one knows UTF-8 only where the host's locale does.
  await page.keyboard.type('echo ready-$((40+2)); cat\n')
  await expect(screen).toContainText('ready-42')
  await page.keyboard.insertText('你好')
  await page.keyboard.press('Enter')
  await expect(screen).toContainText(/你好.*你好/s)
  await page.keyboard.press('Control+c')
  await page.setViewportSize({ width: 900, height: 700 })
  await page.keyboard.type('stty size; echo fits\n')
  await expect(screen).toContainText('fits')
  await page.screenshot({ path: 'screenshots/terminal.png' })
  await page.keyboard.type('exit 3\n')
  await expect(page.getByTestId('terminal-end')).toContainText('Exit code 3.')
  await expect(page.getByTestId('terminal-again')).toBeVisible()

  await page.goto(`${davit.url}/terminals`)
  await page.getByTestId('terminals').getByRole('link', { name: 'ssh-host' }).click()
  const player = page.getByTestId('player')
  await expect(player.getByTestId('seek')).toBeEnabled()
  await player.getByTestId('seek').press('End')
  await expect(player.locator('.xterm-rows')).toContainText(/ready-42.*你好/s)
  await page.screenshot({ path: 'screenshots/recording.png' })
  expect(problems).toEqual([])
})
