import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from '@playwright/test'
import { Davit, logIn, watch } from './davit.ts'
import { costOf, watchCost } from './weight.ts'

/** Bytes. */
const MOST_SCRIPT = 250_000

let davit: Davit

test.beforeAll(async () => {
  davit = await Davit.demo()
})

test.afterAll(async () => {
  await davit.stop()
})

test('the first view is light', async ({ browser }) => {
  for (const [path, marker] of [
    ['/login', 'login-submit'],
    ['/', 'matrix'],
  ] as const) {
    const context = await browser.newContext()
    if (path === '/') {
      await context.request.post(`${davit.url}/api/v1/session`, { data: { name: 'admin', password: davit.password } })
    }
    const page = await context.newPage()
    await watchCost(page, marker)
    await page.goto(davit.url + path)
    const { scripts } = await costOf(page)
    expect(scripts, `compressed JavaScript of ${path}`).toBeGreaterThan(0)
    expect(scripts, `compressed JavaScript of ${path}`).toBeLessThanOrEqual(MOST_SCRIPT)
    await context.close()
  }
})

test('a person releases a branch, reads the live log and goes back', async ({ page }) => {
  const problems = watch(page, davit)
  await logIn(page, davit)
  await page.goto(`${davit.url}/apps/sample`)
  await page.getByTestId('open-deploy').click()
  await expect(page.getByTestId('commit-picker')).toContainText('Greet the world a second time')
  await page.getByTestId('request-title').fill('The second page, by hand · 手动发布')
  await page.getByTestId('request-submit').click()

  await expect(page).toHaveURL(/\/deployments\/\d+$/)
  await expect(page.getByTestId('deployment-state')).toContainText('Succeeded')
  await expect(page.getByRole('heading', { level: 1 })).toContainText('手动发布')
  await expect(page.getByTestId('log-lines')).toContainText('is live in')

  const released = page.url()
  await page.getByTestId('open-rollback').click()
  await page.getByTestId('rollback-dialog').getByRole('radio').last().check({ force: true })
  await page.getByTestId('rollback-submit').click()
  await expect(page).not.toHaveURL(released)
  await expect(page.getByTestId('deployment-state')).toContainText('Succeeded')
  await expect(page.getByTestId('log-lines')).toContainText('Switched to')
  expect(problems).toEqual([])
})

test('the overview changes by itself when somebody else releases', async ({ page, browser }) => {
  await logIn(page, davit)
  await expect(page.getByTestId('live-status')).toContainText('Live')
  const other = await browser.newContext()
  await other.request.post(`${davit.url}/api/v1/session`, { data: { name: 'admin', password: davit.password } })
  const answer = await other.request.post(`${davit.url}/api/v1/apps/sample/environments/staging/deploy`, {
    headers: { 'X-Davit-Request': '1' },
    data: { ref: 'main', title: 'From somebody else' },
  })
  expect(answer.status()).toBe(201)
  await expect(page.getByTestId('matrix')).toContainText('From somebody else')
  await other.close()
})

test('the log is searched, filtered by cell and downloaded', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/deployments/2`)
  await page.getByTestId('log-search').locator('input').or(page.getByTestId('log-search')).first().fill('hello from')
  await expect(page.getByTestId('log-hits')).toContainText('1')
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('log-download').click()])
  expect(download.suggestedFilename()).toBe('deployment-2.log')
})

/** An archive as somebody's own build server would make it. */
async function archive(): Promise<Buffer> {
  const dir = await mkdtemp(join(tmpdir(), 'davit-e2e-build-'))
  await writeFile(join(dir, 'index.html'), '<h1>Built elsewhere</h1>\n')
  await writeFile(join(dir, 'check.sh'), 'grep "<h1>" index.html\n')
  await promisify(execFile)('tar', ['-czf', 'site.tar.gz', 'index.html', 'check.sh'], { cwd: dir })
  const bytes = await readFile(join(dir, 'site.tar.gz'))
  await rm(dir, { recursive: true })
  return bytes
}

test('a build that was made elsewhere is uploaded and released', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/requests/new?app=sample&environment=staging`)
  await page.getByTestId('pick-source').getByText('Build', { exact: true }).click()
  const file = { name: 'site.tar.gz', mimeType: 'application/gzip', buffer: await archive() }
  await page.getByTestId('pick-upload').setInputFiles(file)
  await expect(page.getByTestId('pick-build')).toContainText('site.tar.gz')
  await page.getByTestId('request-title').fill('Built elsewhere')
  await page.getByTestId('request-submit').click()
  await expect(page).toHaveURL(/\/deployments\/\d+$/)
  await expect(page.getByTestId('deployment-state')).toContainText('Succeeded')
  await expect(page.getByTestId('log-lines')).toContainText('<h1>Built elsewhere</h1>')
})

test('hosts are verified', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/hosts`)
  await page.getByTestId('verify-all').click()
  await expect(page.getByTestId('host-state-local-host')).toContainText('Reachable')
})

test('a configuration is checked line by line and applied', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/configuration`)
  const editor = page.getByTestId('config-editor')
  await editor.click()
  await page.keyboard.press('Control+End')
  await page.keyboard.insertText('\n[[environment]]\nkey = "canary"\nnmae = "Canary"\n')
  await page.getByTestId('config-check').click()
  await expect(page.getByTestId('config-errors')).toContainText('nmae')
  await page.keyboard.press('Control+End')
  await editor.click()
  await page.keyboard.press('Control+End')
  for (let i = 0; i < 'nmae = "Canary"\n'.length; i += 1) await page.keyboard.press('Backspace')
  await page.keyboard.insertText('name = "Canary"\n')
  await page.getByTestId('config-check').click()
  await expect(page.getByTestId('plan')).toContainText('canary')
})
