// CI from end to end, with real git and real jobs: a push runs a workflow whose log is read live, a change says why it
// does not merge, is tried again and then merges, a fork waits for a person, a workflow is started by hand.
import { randomUUID } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type APIRequestContext, expect, test } from '@playwright/test'
import { Davit, logIn, watch } from './davit.ts'
import { Gitea, REPOSITORY } from './gitea.ts'

const WRITE = { 'X-Davit-Request': '1' }
/** Jobs wait for this file, so that the browser can look before they go on. */
const kettle = join(tmpdir(), `davit-e2e-kettle-${randomUUID()}`)
/** A change's test fails until this is there. */
const sugar = join(tmpdir(), `davit-e2e-sugar-${randomUUID()}`)

const WORKFLOW = `
name: CI
on: [push, pull_request]
jobs:
  lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Look
        run: |
          echo "::group::What is there"
          cat index.html
          echo "::endgroup::"
          printf '\\033[32mLint is fine\\033[0m\\n'
          echo '## Lint' >> "$GITHUB_STEP_SUMMARY"
          echo 'All <b>fine</b>.' >> "$GITHUB_STEP_SUMMARY"
      - uses: actions/upload-artifact@v4
        with:
          name: page
          path: index.html
  test:
    needs: lint
    runs-on: ubuntu-latest
    strategy:
      fail-fast: false
      matrix:
        tea: [green, black]
    steps:
      - uses: actions/checkout@v4
      - name: Taste
        run: bash taste.sh \${{ matrix.tea }}
`
const BY_HAND = `
name: By hand
on:
  workflow_dispatch:
    inputs:
      guest:
        description: Who drinks it
        required: true
jobs:
  pour:
    runs-on: ubuntu-latest
    steps:
      - run: echo "A cup for \${{ inputs.guest }}"
`
const WAITS = `echo "$1: the kettle is on"\nuntil test -e ${kettle}; do sleep 0.1; done\necho "$1: tea is ready"\n`
const BITTER = `if test "$1" = black && ! test -e ${sugar}; then\n  echo "::error file=taste.sh,line=2::Too bitter"\n  exit 3\nfi\necho "$1: lovely"\n`

// Each test goes on where the one before ended.
test.describe.configure({ mode: 'serial' })

let davit: Davit
let gitea: Gitea
const RUNS = `/runs?repository=gitea:${REPOSITORY}`

test.beforeAll(async () => {
  gitea = await Gitea.start()
  davit = await Davit.demo()
})

test.afterAll(async () => {
  await davit.stop()
  await gitea.stop()
  await rm(kettle, { force: true })
  await rm(sugar, { force: true })
})

async function signIn(request: APIRequestContext) {
  await request.post(`${davit.url}/api/v1/session`, { data: { name: 'admin', password: davit.password } })
}

async function configure(request: APIRequestContext) {
  const document = `
[[forge]]
id = "gitea"
kind = "gitea"
api_url = "${gitea.url}/api/v1"
token = { env = "GITEA_TOKEN" }
webhook_secret = { secret = "gitea-hook" }

[[repository]]
forge = "gitea"
name = "${REPOSITORY}"
executor = "host"
trusted = true

[repository.merge]
required = ["davit/ci/*"]
`
  const data = { document, values: { 'env:GITEA_TOKEN': 'the-token' }, dry_run: false, prune: false }
  const applied = await request.post(`${davit.url}/api/v1/apply`, { headers: WRITE, data })
  expect(applied.status(), await applied.text()).toBe(200)
  const hook = await request.post(`${davit.url}/api/v1/forges/gitea/hook`, { headers: WRITE, data: { repository: REPOSITORY } })
  expect(hook.ok(), await hook.text()).toBe(true)
}

test('a push runs a workflow, and its log is read while it is written', async ({ page, request }) => {
  await signIn(request)
  await configure(request)
  const problems = watch(page, davit)
  await logIn(page, davit)
  await page.goto(davit.url + RUNS)
  await expect(page.getByTestId('empty')).toBeVisible()
  const files = { '.gitea/workflows/ci.yml': WORKFLOW, '.gitea/workflows/by-hand.yml': BY_HAND, 'taste.sh': WAITS }
  expect(await gitea.push('Boil water', files)).toBe(202)
  const row = page.getByTestId('runs').getByRole('row').filter({ hasText: 'Boil water' })
  await expect(row).toContainText('Running')
  await row.getByRole('link', { name: 'Boil water' }).click()

  const graph = page.getByTestId('job-graph')
  await expect(graph.getByTestId('box-lint')).toContainText('lint')
  await expect(graph.getByTestId('box-test').getByRole('button')).toHaveCount(2)
  await graph.getByRole('button', { name: /test.*black/ }).click()
  await expect(page.getByTestId('log-lines')).toContainText('black: the kettle is on')
  await expect(page.getByTestId('log-status')).toHaveText('Live')
  await expect(page.getByTestId('job-state')).toContainText('Running')
  await writeFile(kettle, '')
  await expect(page.getByTestId('log-lines')).toContainText('black: tea is ready')
  await expect(page.getByTestId('log-status')).toHaveText('Complete')
  await expect(page.getByTestId('run-state')).toContainText('Succeeded')
  await expect.poll(() => gitea.statuses).toContain('success davit/ci/CI (push)')
  expect(problems).toEqual([])
})

test('groups fold, a search finds what is folded, and a line has an address', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(davit.url + RUNS)
  await page.getByRole('link', { name: 'Boil water' }).click()
  await page.getByTestId('job-graph').getByRole('button', { name: /^lint/ }).click()
  const group = page.getByTestId('log-lines').getByRole('button', { name: /^What is there/ })
  const lines = page.getByTestId('log-lines')
  await expect(lines).toContainText('Lint is fine')
  await expect(group).toHaveAttribute('aria-expanded', 'false')
  await expect(lines.getByText('tea', { exact: true })).toHaveCount(0)
  await group.focus()
  await page.keyboard.press('Enter')
  await expect(lines.getByText('tea', { exact: true })).toBeVisible()
  await expect(lines.locator('.ansi-green-fg')).toHaveText('Lint is fine')
  // Markdown from a job is no HTML.
  await expect(page.getByTestId('summary')).toContainText('All <b>fine</b>.')

  await page.getByRole('textbox', { name: 'Search all logs of this run' }).fill('LINT IS')
  // Not the script that says it, but what it said.
  const found = page.getByTestId('run-search-results').getByRole('link').filter({ hasText: /^\d+Lint is fine$/ })
  await found.click()
  await expect(page).toHaveURL(/#job-\d+:\d+$/)
  const address = page.url()
  await page.goto('about:blank')
  await page.goto(address)
  await expect(page.getByTestId('log-lines').locator('.marked')).toContainText('Lint is fine')

  const [download] = await Promise.all([page.waitForEvent('download'), page.getByTestId('log-download').click()])
  expect(download.suggestedFilename()).toMatch(/^job-\d+\.log$/)
  const artifact = page.getByTestId('artifacts').getByRole('link', { name: 'Download page' })
  const [saved] = await Promise.all([page.waitForEvent('download'), artifact.click()])
  expect(saved.suggestedFilename()).toBe('page.tar.gz')
})

test('a change says why it does not merge, is tried again, and merges', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/changes`)
  await expect(page.getByTestId('empty')).toBeVisible()
  const pull = await gitea.open('Sell black tea', 'black-tea', { 'taste.sh': BITTER })
  const row = page.getByTestId('changes').getByRole('row').filter({ hasText: 'Sell black tea' })
  await expect(row).toContainText('Nobody has asked')
  await row.getByRole('link', { name: 'Sell black tea' }).click()
  await expect(page.getByTestId('condition-checks')).toContainText('is not green')
  await expect(page.getByTestId('checks')).toContainText('davit/ci/CI (pull_request)')
  await page.getByTestId('ask-merge').click()
  await expect(page.getByTestId('asked')).toContainText('admin')
  await expect(page.getByTestId('why')).toContainText('is not green')
  const change = page.url()

  await page.getByTestId('runs').getByRole('link', { name: 'Sell black tea' }).click()
  await expect(page.getByTestId('run-state')).toContainText('Failed')
  const annotations = page.getByTestId('annotations')
  await expect(annotations).toContainText('taste.sh:2')
  await expect(annotations).toContainText('Too bitter')
  await expect(page.getByTestId('steps')).toContainText('exit 3')
  await writeFile(sugar, '')
  await page.getByTestId('retry-failed-jobs').click()
  await expect(page.getByTestId('run-state')).toContainText('Succeeded')
  await expect(annotations).toHaveCount(0)
  await page.getByTestId('job-graph').getByRole('button', { name: /test.*black/ }).click()
  await expect(page.getByTestId('log-lines')).toContainText('black: lovely')
  await page.getByTestId('attempts').getByText('attempt 1').click()
  await expect(page.getByTestId('log-lines')).toContainText('Too bitter')

  await page.goto(change)
  await expect(page.getByTestId('change-state')).toContainText('Merged')
  expect(pull.merged).toMatch(/^[0-9a-f]{40}$/)
})

test('a run of a fork waits until a person approves its very commit', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(davit.url + RUNS)
  const pull = await gitea.open('Free tea', 'free-tea', { 'taste.sh': 'echo "free $1"\n' }, true)
  await page.getByRole('link', { name: 'Free tea' }).click()
  await expect(page.getByTestId('run-state')).toContainText('Awaiting approval')
  await expect(page.getByTestId('approve-notice')).toContainText(pull.head)
  await page.getByTestId('approve').click()
  await expect(page.getByTestId('confirm-dialog')).toContainText('secrets')
  await page.getByTestId('confirm-input').fill(pull.head.slice(0, 7))
  await page.getByTestId('confirm-submit').click()
  await expect(page.getByTestId('run-state')).toContainText('Succeeded')
  await expect(page.getByTestId('run-facts')).toContainText('admin')
})

test('a workflow is started by hand with what it asks for', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(davit.url + RUNS)
  await page.getByTestId('open-start').click()
  const dialog = page.getByTestId('start-dialog')
  await expect(dialog.getByTestId('start-submit')).toBeDisabled()
  await dialog.getByTestId('start-input-guest').fill('dora')
  await dialog.getByTestId('start-submit').click()
  await expect(page).toHaveURL(/\/runs\/\d+$/)
  await expect(page.getByTestId('run-state')).toContainText('Succeeded')
  await expect(page.getByTestId('log-lines')).toContainText('A cup for dora')
})

test('what runs is cancelled', async ({ page }) => {
  await rm(kettle)
  await logIn(page, davit)
  await page.goto(davit.url + RUNS)
  await gitea.push('Boil too much', { 'taste.sh': WAITS })
  await page.getByRole('link', { name: 'Boil too much' }).click()
  await page.getByTestId('job-graph').getByRole('button', { name: /test.*green/ }).click()
  await expect(page.getByTestId('log-lines')).toContainText('green: the kettle is on')
  await page.getByTestId('cancel-run').click()
  await expect(page.getByTestId('run-state')).toContainText('Cancelled')
  await expect(page.getByTestId('log-status')).toHaveText('Complete')
  await page.getByText('Time', { exact: true }).click()
  await expect(page.getByTestId('job-timeline').getByRole('button')).toHaveCount(3)
})
