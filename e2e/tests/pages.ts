// Every page of the UI with the addresses that show what it can show. The names are those of the routes; a route without
// an address here, or an address without a route, fails `pages.spec.ts`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, type Page } from '@playwright/test'
import type { Places } from './world.ts'

const UI = join(import.meta.dirname, '../../ui/src')

/** The names of all routes, as the sources have them. */
export function routeNames(): string[] {
  const sources = ['router.ts', 'settings-routes.ts'].map(file => readFileSync(join(UI, file), 'utf8'))
  const named = sources.flatMap(source => [...source.matchAll(/\bname: '([a-z-]+)',/g)].map(([, name]) => name ?? ''))
  return [...new Set(named)]
}

export interface PageRow {
  path: string
  /** What somebody does there before it shows what it can show. */
  act?: (page: Page) => Promise<void>
}

/** Tests what davit may do at the forge. */
export async function testForge(page: Page): Promise<void> {
  const repository = page.getByTestId('repository-acme/shop')
  await repository.getByTestId('test').click()
  await expect(repository.getByTestId('hook-state')).toBeVisible()
}

/** The charts are not there before somebody comes to them. */
async function scrollToFigures(page: Page): Promise<void> {
  await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight))
  await expect(page.getByTestId('figures').locator('canvas, table').first()).toBeVisible()
  await page.getByTestId('figures').scrollIntoViewIfNeeded()
}

/** Opens what a release did otherwise than the one before it, to the lines. */
async function compare(page: Page): Promise<void> {
  await page.getByTestId('compare').click()
  await page.getByTestId('compare-row').first().click()
  await expect(page.getByTestId('compare-lines').first()).toBeVisible()
}

/** Waits until the shell takes what is typed. */
export async function waitForShell(page: Page): Promise<void> {
  await expect(page.getByTestId('screen').getByRole('textbox')).toBeFocused()
}

/** Waits until git and the hosts have been asked. */
export async function waitForCheck(page: Page): Promise<void> {
  await expect(page.getByTestId('config-fine')).toBeVisible()
}

/** The editors of scripts come after their page. */
export async function waitForScripts(page: Page): Promise<void> {
  await expect(page.locator('.cm-editor').first()).toBeVisible()
  await waitForCheck(page)
}

/** Route → what to call the picture → its address. Those of a davit that nobody has set up are in `pages.spec.ts`. */
export function pages(at: Places): Record<string, Record<string, string | PageRow>> {
  return {
    overview: { overview: '/', 'overview-figures': { path: '/', act: scrollToFigures }, 'overview-table': { path: '/?view=table', act: scrollToFigures } },
    requests: { requests: '/requests', 'requests-waiting': '/requests?group=awaiting_review' },
    'request-new': { 'request-new': '/requests/new?app=sample&environment=staging' },
    request: { request: `/requests/${at.request}`, 'request-approved': `/requests/${at.approved}` },
    'request-edit': { 'request-edit': `/requests/${at.request}/edit` },
    deployments: { deployments: '/deployments' },
    deployment: {
      deployment: `/deployments/${at.deployment}`,
      'deployment-paused': `/deployments/${at.paused}`,
      'deployment-compared': { path: `/deployments/${at.paused}`, act: compare },
    },
    runs: { runs: '/runs' },
    run: { run: `/runs/${at.run}`, 'run-failed': `/runs/${at.failedRun}`, 'run-fork': `/runs/${at.forkRun}` },
    changes: { changes: '/changes?state=all' },
    change: { change: `/changes/${at.change}` },
    apps: { apps: '/apps' },
    'app-new': { 'app-new': '/apps/new' },
    app: { app: '/apps/sample' },
    config: {
      config: '/apps/sample/configs/staging/edit',
      'config-hosts': { path: '/apps/sample/configs/staging/edit?step=hosts', act: waitForCheck },
      'config-scripts': { path: '/apps/sample/configs/staging/edit?step=scripts', act: waitForScripts },
    },
    'config-history': { 'config-history': '/apps/sample/configs/staging/history' },
    environments: { environments: '/environments' },
    'environment-new': { 'environment-new': '/environments/new' },
    environment: { environment: '/environments/production', 'environment-locked': '/environments/canary' },
    'environment-edit': { 'environment-edit': '/environments/production/edit' },
    hosts: { hosts: '/hosts' },
    'host-new': { 'host-new': '/hosts/new' },
    'host-import': { 'host-import': '/hosts/import' },
    'host-edit': { 'host-edit': '/hosts/ssh-host/edit' },
    deliveries: { deliveries: '/deliveries' },
    delivery: { delivery: `/deliveries/${at.delivery}` },
    outbox: { outbox: '/outbox?state=done' },
    forges: { forges: '/forges' },
    'forge-new': { 'forge-new': '/forges/new' },
    'forge-edit': { 'forge-edit': '/forges/gitea/edit' },
    forge: { forge: { path: '/forges/gitea', act: testForge } },
    configuration: { configuration: '/configuration' },
    feed: { feed: '/feed' },
    terminals: { terminals: '/terminals' },
    terminal: { recording: `/terminals/${at.terminal}` },
    'host-terminal': { terminal: { path: '/hosts/ssh-host/terminal', act: waitForShell } },
    account: { account: '/account' },
    settings: { settings: '/settings' },
    'settings-users': { users: '/settings/users' },
    'settings-user': { user: '/settings/users/maria' },
    'settings-groups': { groups: '/settings/groups' },
    'settings-group': { group: '/settings/groups/leads' },
    'settings-grants': { grants: '/settings/grants' },
    'settings-values': { values: '/settings/values?app=sample' },
    'settings-repositories': { repositories: '/settings/repositories' },
    'settings-repository-new': { 'repository-new': '/settings/repositories/new' },
    'settings-repository': { repository: '/settings/repositories/gitea/acme/shop' },
    'settings-channels': { channels: '/settings/channels' },
    'settings-channel-new': { 'channel-new': '/settings/channels/new' },
    'settings-channel': { channel: '/settings/channels/team/edit' },
    'settings-identity': { identity: '/settings/identity' },
    welcome: { welcome: '/welcome' },
    login: { login: '/login' },
    'not-found': { 'not-found': '/nothing/is/here' },
  }
}
