// Every route the UI calls, one function each, named after what it does.
import { configCalls } from './calls/configs'
import { estateCalls } from './calls/estate'
import { logCalls } from './calls/logs'
import { requestCalls } from './calls/requests'
import { peopleCalls } from './calls/people'
import { searchCalls } from './calls/search'
import { watchingCalls } from './calls/watching'
import { call, toUrl } from './client'
import type { Query } from './routes'
import type { ApplyBody, FiguresFilter, RetryBody, StartBody } from './types'

export type DeploymentFilter = Query<'/deployments'>
export type DeliveryFilter = Query<'/deliveries'>
export type OutboxFilter = Query<'/outbox'>
export type RunFilter = Query<'/runs'>
export type ChangeFilter = Query<'/changes'>

export const api = {
  ...requestCalls,
  ...logCalls,
  ...configCalls,
  ...estateCalls,

  setupState: () => call('GET', '/setup'),
  setUp: (body: { code: string; name: string; password: string }) => call('POST', '/setup', { body }),
  session: () => call('GET', '/session'),
  logOut: () => call('DELETE', '/session'),

  overview: () => call('GET', '/overview'),
  figures: (filter: FiguresFilter, signal?: AbortSignal) => call('GET', '/delivery', { query: { ...filter }, signal }),

  apps: () => call('GET', '/apps'),
  app: (app: string) => call('GET', '/apps/{app}', { path: { app } }),
  releases: (app: string, environment: string) =>
    call('GET', '/apps/{app}/environments/{environment}/releases', { path: { app, environment } }),
  deployments: (filter: DeploymentFilter, cursor?: string) =>
    call('GET', '/deployments', { query: { ...filter, cursor } }),
  deployment: (id: number) => call('GET', '/deployments/{id}', { path: { id } }),
  cancel: (id: number) => call('POST', '/deployments/{id}/cancel', { path: { id } }),
  continueDeployment: (id: number) => call('POST', '/deployments/{id}/continue', { path: { id } }),
  revertDeployment: (id: number, reason: string) =>
    call('POST', '/deployments/{id}/revert', { path: { id }, body: { reason } }),
  retryHost: (id: number, host: string) => call('POST', '/deployments/{id}/hosts/{host}/retry', { path: { id, host } }),
  skipHost: (id: number, host: string, reason: string) =>
    call('POST', '/deployments/{id}/hosts/{host}/skip', { path: { id, host }, body: { reason } }),
  overrideGates: (id: number, reason: string) =>
    call('POST', '/deployments/{id}/override', { path: { id }, body: { reason } }),

  gate: (environment: string, app?: string) =>
    call('GET', '/environments/{environment}/gates', { path: { environment }, query: { app } }),
  lock: (body: { environment: string; app?: string; reason: string; expires_at?: string }) =>
    call('POST', '/locks', { body }),
  unlock: (id: number) => call('DELETE', '/locks/{id}', { path: { id } }),

  builds: (app: string) => call('GET', '/apps/{app}/builds', { path: { app } }),
  uploadBuild: (app: string, title: string, file: Blob) =>
    call('POST', '/apps/{app}/builds', { path: { app }, query: { title }, raw: file }),
  live: (app: string, environment: string) =>
    call('GET', '/apps/{app}/environments/{environment}/live', { path: { app, environment } }),
  askLive: (app: string, environment: string) =>
    call('POST', '/apps/{app}/environments/{environment}/live', { path: { app, environment } }),

  hosts: () => call('GET', '/hosts'),
  verifyHost: (name: string) => call('POST', '/hosts/{name}/verify', { path: { name } }),
  acceptHostKey: (name: string, fingerprint: string) =>
    call('POST', '/hosts/{name}/accept-key', { path: { name }, body: { fingerprint } }),
  installKey: (name: string, password: string) =>
    call('POST', '/hosts/{name}/install-key', { path: { name }, body: { password } }),
  scanKeys: () => call('POST', '/hosts/scan-keys', { body: {} }),
  acceptKeys: (items: { host: string; fingerprint: string }[]) =>
    call('POST', '/hosts/accept-keys', { body: { items } }),
  importKnownHosts: (text: string) => call('POST', '/hosts/import-known-hosts', { body: { text } }),
  publicKey: () => call('GET', '/hosts/public-key'),

  deliveries: (filter: DeliveryFilter, cursor?: string) => call('GET', '/deliveries', { query: { ...filter, cursor } }),
  delivery: (id: number) => call('GET', '/deliveries/{id}', { path: { id } }),
  replay: (id: number) => call('POST', '/deliveries/{id}/replay', { path: { id } }),

  outbox: (filter: OutboxFilter, cursor?: string) => call('GET', '/outbox', { query: { ...filter, cursor } }),
  retryCall: (id: number) => call('POST', '/outbox/{id}/retry', { path: { id } }),

  runs: (filter: RunFilter, cursor?: string) => call('GET', '/runs', { query: { ...filter, cursor } }),
  run: (id: number) => call('GET', '/runs/{id}', { path: { id } }),
  cancelRun: (id: number) => call('POST', '/runs/{id}/cancel', { path: { id } }),
  retryRun: (id: number, body: RetryBody) => call('POST', '/runs/{id}/retry', { path: { id }, body }),
  approveRun: (id: number, headSha: string) =>
    call('POST', '/runs/{id}/approve', { path: { id }, body: { head_sha: headSha } }),
  searchRun: (id: number, text: string, signal?: AbortSignal) =>
    call('GET', '/runs/{id}/search', { path: { id }, query: { q: text }, signal }),
  artifactUrl: (id: number) => toUrl('/artifacts/{id}', { path: { id } }),

  repositories: () => call('GET', '/repositories'),
  workflows: (forge: string, repository: string, ref: string) =>
    call('GET', '/workflows', { query: { forge, repository, ref } }),
  startWorkflow: (body: StartBody) => call('POST', '/workflows/start', { body }),

  changes: (filter: ChangeFilter, cursor?: string) => call('GET', '/changes', { query: { ...filter, cursor } }),
  change: (id: number) => call('GET', '/changes/{id}', { path: { id } }),
  askMerge: (id: number, headSha: string) =>
    call('POST', '/changes/{id}/merge', { path: { id }, body: { head_sha: headSha } }),
  withdrawMerge: (id: number) => call('DELETE', '/changes/{id}/merge', { path: { id } }),
  refreshChange: (id: number) => call('POST', '/changes/{id}/refresh', { path: { id } }),

  environments: () => call('GET', '/environments'),
  forges: () => call('GET', '/forges'),
  forge: (forge: string) => call('GET', '/forges/{id}', { path: { id: forge } }),
  checkForge: (forge: string, repository: string) =>
    call('POST', '/forges/{id}/check', { path: { id: forge }, body: { repository } }),
  registerHook: (forge: string, repository: string) =>
    call('POST', '/forges/{id}/hook', { path: { id: forge }, body: { repository } }),
  makeDeployKey: (forge: string, repository?: string) =>
    call('POST', '/forges/{id}/deploy-key', { path: { id: forge }, body: repository ? { repository } : {} }),

  apply: (body: ApplyBody) => call('POST', '/apply', { body }),
  exportConfig: () => call('GET', '/export', { headers: { Accept: 'text/plain' } }),

  eventsUrl: (ageMs: number) => toUrl('/events', { query: { age_ms: ageMs } }),

  ...peopleCalls,
  ...searchCalls,
  ...watchingCalls,
}
