// A davit that a team has used for a while: one of everything that a page can show. What it needs beside davit is a
// Gitea; every release, run and review in it has really happened.
import { type Browser, expect } from '@playwright/test'
import { Api, PASSWORD } from './api.ts'
import { Davit, logIn } from './davit.ts'
import { Gitea, REPOSITORY } from './gitea.ts'
import { waitForShell } from './pages.ts'

const WORKFLOW = `
name: CI
on: [push, pull_request]
jobs:
  lint:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
      - name: Look for mistakes
        run: |
          echo "::group::What is there"
          ls
          echo "::endgroup::"
          printf '\\033[32mNo mistakes in 14 files\\033[0m\\n'
          echo '## Lint' >> "$GITHUB_STEP_SUMMARY"
          echo 'All **14** files are fine.' >> "$GITHUB_STEP_SUMMARY"
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
        run: sh taste.sh \${{ matrix.tea }}
`
const LOVELY = 'echo "$1 tea: brewed at 80 °C"\necho "$1 tea: lovely"\n'
const BITTER = 'echo "$1 tea: brewed at 100 °C"\nif test "$1" = black; then\n  echo "::error file=taste.sh,line=3::Too bitter"\n  exit 3\nfi\n'

interface Made {
  id: number
}

interface Batch {
  batch: number
  items: Made[]
}

/** Numbers of what the pages are about. */
export interface Places {
  run: number
  failedRun: number
  forkRun: number
  change: number
  delivery: number
  request: number
  approved: number
  batch: number
  deployment: number
  paused: number
  terminal: number
}

export class World {
  private constructor(
    readonly davit: Davit,
    readonly api: Api,
    readonly places: Places,
    private readonly gitea: Gitea,
  ) {}

  static async start(browser: Browser, dir?: string): Promise<World> {
    const [gitea, davit] = await Promise.all([Gitea.start(), Davit.demo(dir)])
    const api = await Api.of(davit)
    try {
      await people(api)
      await estate(api, gitea)
      await values(api)
      const ci = await code(api, gitea)
      const asked = await requests(davit, api, gitea)
      const terminal = await useTerminal(browser, davit)
      return new World(davit, api, { ...ci, ...asked, terminal }, gitea)
    } catch (error) {
      await Promise.all([davit.stop(), gitea.stop()])
      throw error
    }
  }

  async stop(): Promise<void> {
    await this.api.dispose()
    await this.davit.stop()
    await this.gitea.stop()
  }
}

async function people(api: Api): Promise<void> {
  for (const [name, role, display_name] of [
    ['maria', 'developer', 'Maria Rossi'],
    ['li.wei', 'releaser', '李伟'],
    ['sam', 'none', 'Sam Ortiz'],
  ]) {
    await api.post('/users', { name, role, display_name, password: PASSWORD })
  }
  await api.post('/groups', { name: 'leads', description: 'Who looks at what goes to production' })
  await api.put('/groups/leads/members/li.wei', {})
  await api.post('/grants', { group: 'leads', role: 'reviewer', scope: 'environment:production' })
  await api.post('/grants', { user: 'sam', role: 'developer', scope: 'app:sample' })
}

/** A forge, an app of a repository there, hosts that nobody has asked yet, and a channel. */
async function estate(api: Api, gitea: Gitea): Promise<void> {
  const [staging, production] = await Promise.all(['staging', 'production'].map(place => besideSample(api, place)))
  const spare = ['web-1', 'web-2', 'web-3', 'db-1', 'db-2', 'edge-fra'].map(
    (name, index) => `
[[host]]
name = "${name}"
kind = "ssh"
address = "192.0.2.${index + 11}"
user = "deploy"
labels = ["${name.replace(/-.*/, '')}-spare"]
environments = ["canary"]
`,
  )
  await api.apply(
    `
[[environment]]
key = "canary"
name = "Canary"
color = "#8a6d1d"

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

[[app]]
key = "shop"
name = "Shop"
repository = { forge = "gitea", name = "${REPOSITORY}" }

[[app.release]]
environment = "staging"
hosts = ["local-host"]
deploy_path = "${staging}/current"
releases_path = "${staging}/releases"
hooks.after_checkout = "echo 'Packing the tea'"
hooks.after_release = "test ! -e $DAVIT_RELEASE_PATH/closed.txt"
strategy = { on_failure = "hold" }

[[app.release]]
environment = "production"
hosts = ["ssh-host"]
deploy_path = "${production}/current"
releases_path = "${production}/releases"

[[channel]]
id = "team"
kind = "slack"
url = { env = "SLACK_URL" }
events = ["review_requested", "failed", "rolled_back"]
${spare.join('')}`,
    { 'env:GITEA_TOKEN': 'the-token', 'env:SLACK_URL': 'https://hooks.slack.com/services/T0/B0/x' },
  )
  await api.post('/forges/gitea/hook', { repository: REPOSITORY })
}

/** A directory of its own beside the releases of the demo's app. */
async function besideSample(api: Api, environment: string): Promise<string> {
  const { form } = await api.get<{ form: { releases_path: string } }>(`/apps/sample/configs/${environment}`)
  return `${form.releases_path}-shop`
}

async function values(api: Api): Promise<void> {
  const plain = (value: string) => ({ kind: 'plain', value })
  const secret = (value: string) => ({ kind: 'secret', value })
  const everywhere = { API_URL: plain('https://api.example.com'), API_KEY: secret('kept-by-davit'), LOG_LEVEL: plain('info') }
  await api.put('/values', { base_revision: 0, set: everywhere, remove: [] })
  const sample = { LOG_LEVEL: plain('debug'), CDN_TOKEN: secret('also-kept-by-davit') }
  await api.put('/values', { app: 'sample', base_revision: 0, set: sample, remove: [] })
  await api.put('/values', { app: 'sample', base_revision: 1, set: { LOG_LEVEL: plain('warn') }, remove: [] })
}

async function code(api: Api, gitea: Gitea): Promise<Pick<Places, 'run' | 'failedRun' | 'forkRun' | 'change' | 'delivery'>> {
  await gitea.push('Sell green tea', { '.gitea/workflows/ci.yml': WORKFLOW, 'taste.sh': LOVELY })
  const run = await runOf(api, 'Sell green tea', 'success')
  await gitea.open('Sell black tea', 'black-tea', { 'taste.sh': BITTER })
  const failedRun = await runOf(api, 'Sell black tea', 'failure')
  await gitea.open('Free tea for everybody', 'free-tea', { 'taste.sh': 'echo "free $1 tea"\n' }, true)
  const forkRun = await runOf(api, 'Free tea for everybody', 'awaiting_approval')
  return { run, failedRun, forkRun, change: 1, delivery: 1 }
}

async function runOf(api: Api, title: string, state: string): Promise<number> {
  let found: number | undefined
  const look = async () => {
    const { items } = await api.get<{ items: (Made & { title: string; state: string })[] }>('/runs?limit=50')
    const run = items.find(each => each.title === title)
    found = run?.id
    return run?.state
  }
  await expect.poll(look, { message: `the run of ${title}` }).toBe(state)
  return found ?? 0
}

async function requests(
  davit: Davit,
  api: Api,
  gitea: Gitea,
): Promise<Pick<Places, 'request' | 'approved' | 'batch' | 'deployment' | 'paused'>> {
  const deployment = await release(api, 'shop', 'Sell green tea', 'succeeded')
  const { form } = await api.get<{ form: object }>('/environments/production')
  await api.put('/environments/production', { form: { ...form, review: { required: 1, self_approval: false } } })
  const [maria, liWei] = await Promise.all([Api.of(davit, 'maria'), Api.of(davit, 'li.wei')])
  const ask = (title: string, description: string) =>
    maria.post<Made>('/apps/sample/environments/production/deploy', { ref: 'main', title, description })

  const refused = await ask('Greet in capital letters', '')
  await liWei.post(`/requests/${refused.id}/reject`, { version: 1, reason: 'It reads as if we shouted.' })
  const approved = await ask('更快的样式表', 'The style sheet is half as long.')
  await liWei.post(`/requests/${approved.id}/approve`, { version: 1, reason: 'Looked at it on staging: fine.' })
  const request = await ask('Greet the world a second time', 'Look at the greeting first. Go back when it is rude.')
  const { batch } = await maria.post<Batch>('/requests/batch', {
    environment: 'production',
    title: 'Tea and greetings together',
    items: [
      { app: 'sample', ref: 'main' },
      { app: 'shop', ref: 'main' },
    ],
  })
  await Promise.all([maria.dispose(), liWei.dispose()])
  await api.post('/locks', { environment: 'canary', reason: 'The hosts are being renewed.' })
  await gitea.push('Close the shop', { 'closed.txt': 'until Monday\n' })
  const paused = await release(api, 'shop', 'Close the shop', 'paused')
  // Nothing changes any more while the pages are looked at.
  await runOf(api, 'Close the shop', 'success')
  return { request: request.id, approved: approved.id, batch, deployment, paused }
}

/** Releases the newest commit to staging and waits for how it goes. */
async function release(api: Api, app: string, title: string, state: string): Promise<number> {
  const { deployment } = await api.post<{ deployment: number }>(`/apps/${app}/environments/staging/deploy`, { ref: 'main', title })
  const look = async () => (await api.get<{ state: string }>(`/deployments/${deployment}`)).state
  await expect.poll(look, { message: title }).toBe(state)
  return deployment
}

/** A shell that somebody had open for a moment. */
async function useTerminal(browser: Browser, davit: Davit): Promise<number> {
  const page = await browser.newPage()
  await logIn(page, davit)
  await page.goto(`${davit.url}/hosts/ssh-host/terminal`)
  await expect(page.getByTestId('terminal-state')).toContainText('Open')
  await waitForShell(page)
  await page.keyboard.type('echo "$((6 * 7)) requests a second"\n')
  await expect(page.getByTestId('screen').locator('.xterm-rows')).toContainText('42 requests')
  await page.keyboard.type('exit\n')
  await expect(page.getByTestId('terminal-end')).toBeVisible()
  await page.close()
  return 1
}
