// Every route the UI calls, one function each, named after what it does.
import { configCalls } from './calls/configs'
import { estateCalls } from './calls/estate'
import { logCalls } from './calls/logs'
import { requestCalls } from './calls/requests'
import { peopleCalls } from './calls/people'
import { searchCalls } from './calls/search'
import { watchingCalls } from './calls/watching'
import { call, path, toUrl } from './client'
import type {
  AppDetail,
  ApplyBody,
  ApplyResult,
  AppSummary,
  Build,
  Change,
  ChangeDetail,
  CiRepository,
  Delivery,
  DeliveryDetail,
  DeliveryFigures,
  DeployKey,
  Deployment,
  DeploymentSummary,
  EnvironmentDetail,
  FiguresFilter,
  Forge,
  ForgeCheck,
  FoundLine,
  Gate,
  Host,
  HostCheck,
  KeptRelease,
  KeyImport,
  KeyScan,
  LiveCheck,
  Lock,
  OutboxCall,
  Overview,
  Page,
  RegisteredHook,
  RetryBody,
  Run,
  RunDetail,
  Session,
  SetupState,
  StartBody,
  Workflow,
} from './types'

export interface DeploymentFilter {
  app?: string
  environment?: string
  state?: string
}

export interface DeliveryFilter {
  forge?: string
  verdict?: string
  search?: string
}

export interface OutboxFilter {
  forge?: string
  /** States with commas between them. */
  state?: string
  search?: string
}

export interface RunFilter {
  forge?: string
  repository?: string
  state?: string
  branch?: string
  change?: number
  workflow?: string
  trigger?: string
  /** A full SHA. */
  head?: string
  limit?: number
}

export interface ChangeFilter {
  forge?: string
  repository?: string
  state?: string
}

export const api = {
  ...requestCalls,
  ...logCalls,
  ...configCalls,
  ...estateCalls,

  setupState: () => call<SetupState>('GET', '/setup'),
  setUp: (body: { code: string; name: string; password: string }) => call<Session>('POST', '/setup', { body }),
  session: () => call<Session>('GET', '/session'),
  logOut: () => call<void>('DELETE', '/session'),

  overview: () => call<Overview>('GET', '/overview'),
  figures: (filter: FiguresFilter, signal?: AbortSignal) =>
    call<DeliveryFigures>('GET', '/delivery', { query: { ...filter }, signal }),

  apps: () => call<Page<AppSummary>>('GET', '/apps', { query: { limit: 200 } }),
  app: (app: string) => call<AppDetail>('GET', path('apps', app)),
  releases: (app: string, environment: string) =>
    call<Page<KeptRelease>>('GET', `${path('apps', app, 'environments', environment)}/releases`),
  deployments: (filter: DeploymentFilter, cursor?: string) =>
    call<Page<DeploymentSummary>>('GET', '/deployments', { query: { ...filter, cursor } }),
  deployment: (id: number) => call<Deployment>('GET', path('deployments', id)),
  cancel: (id: number) => call<DeploymentSummary>('POST', `${path('deployments', id)}/cancel`, { body: {} }),
  continueDeployment: (id: number) =>
    call<DeploymentSummary>('POST', `${path('deployments', id)}/continue`, { body: {} }),
  revertDeployment: (id: number, reason: string) =>
    call<DeploymentSummary>('POST', `${path('deployments', id)}/revert`, { body: { reason } }),
  retryHost: (id: number, host: string) =>
    call<DeploymentSummary>('POST', `${path('deployments', id, 'hosts', host)}/retry`, { body: {} }),
  skipHost: (id: number, host: string, reason: string) =>
    call<DeploymentSummary>('POST', `${path('deployments', id, 'hosts', host)}/skip`, { body: { reason } }),
  overrideGates: (id: number, reason: string) =>
    call<DeploymentSummary>('POST', `${path('deployments', id)}/override`, { body: { reason } }),

  gate: (environment: string, app?: string) =>
    call<Gate>('GET', `${path('environments', environment)}/gates`, { query: { app } }),
  lock: (body: { environment: string; app?: string; reason: string; expires_at?: string }) =>
    call<Lock>('POST', '/locks', { body }),
  unlock: (id: number) => call<void>('DELETE', path('locks', id)),

  builds: (app: string) => call<Page<Build>>('GET', `${path('apps', app)}/builds`),
  uploadBuild: (app: string, title: string, file: Blob) =>
    call<Build>('POST', `${path('apps', app)}/builds`, { query: { title }, raw: file }),
  live: (app: string, environment: string) =>
    call<Page<LiveCheck>>('GET', `${path('apps', app, 'environments', environment)}/live`),
  askLive: (app: string, environment: string) =>
    call<Page<LiveCheck>>('POST', `${path('apps', app, 'environments', environment)}/live`, { body: {} }),

  hosts: () => call<Page<Host>>('GET', '/hosts', { query: { limit: 200 } }),
  verifyHost: (name: string) => call<HostCheck>('POST', `${path('hosts', name)}/verify`, { body: {} }),
  acceptHostKey: (name: string, fingerprint: string) =>
    call<Host>('POST', `${path('hosts', name)}/accept-key`, { body: { fingerprint } }),
  installKey: (name: string, password: string) =>
    call<HostCheck>('POST', `${path('hosts', name)}/install-key`, { body: { password } }),
  scanKeys: () => call<Page<KeyScan>>('POST', '/hosts/scan-keys', { body: {} }),
  acceptKeys: (items: { host: string; fingerprint: string }[]) =>
    call<void>('POST', '/hosts/accept-keys', { body: { items } }),
  importKnownHosts: (text: string) => call<KeyImport>('POST', '/hosts/import-known-hosts', { body: { text } }),
  publicKey: () => call<{ public_key: string }>('GET', '/hosts/public-key'),

  deliveries: (filter: DeliveryFilter, cursor?: string) =>
    call<Page<Delivery>>('GET', '/deliveries', { query: { ...filter, cursor } }),
  delivery: (id: number) => call<DeliveryDetail>('GET', path('deliveries', id)),
  replay: (id: number) => call<Delivery>('POST', `${path('deliveries', id)}/replay`, { body: {} }),

  outbox: (filter: OutboxFilter, cursor?: string) =>
    call<Page<OutboxCall>>('GET', '/outbox', { query: { ...filter, cursor } }),
  retryCall: (id: number) => call<OutboxCall>('POST', `${path('outbox', id)}/retry`, { body: {} }),

  runs: (filter: RunFilter, cursor?: string) => call<Page<Run>>('GET', '/runs', { query: { ...filter, cursor } }),
  run: (id: number) => call<RunDetail>('GET', path('runs', id)),
  cancelRun: (id: number) => call<void>('POST', `${path('runs', id)}/cancel`, { body: {} }),
  retryRun: (id: number, body: RetryBody) => call<void>('POST', `${path('runs', id)}/retry`, { body }),
  approveRun: (id: number, headSha: string) =>
    call<void>('POST', `${path('runs', id)}/approve`, { body: { head_sha: headSha } }),
  searchRun: (id: number, text: string, signal?: AbortSignal) =>
    call<Page<FoundLine>>('GET', `${path('runs', id)}/search`, { query: { q: text }, signal }),
  artifactUrl: (id: number) => toUrl(path('artifacts', id)),

  repositories: () => call<Page<CiRepository>>('GET', '/repositories'),
  workflows: (forge: string, repository: string, ref: string) =>
    call<Page<Workflow>>('GET', '/workflows', { query: { forge, repository, ref } }),
  startWorkflow: (body: StartBody) => call<{ id: number }>('POST', '/workflows/start', { body }),

  changes: (filter: ChangeFilter, cursor?: string) =>
    call<Page<Change>>('GET', '/changes', { query: { ...filter, cursor } }),
  change: (id: number) => call<ChangeDetail>('GET', path('changes', id)),
  askMerge: (id: number, headSha: string) =>
    call<void>('POST', `${path('changes', id)}/merge`, { body: { head_sha: headSha } }),
  withdrawMerge: (id: number) => call<void>('DELETE', `${path('changes', id)}/merge`),
  refreshChange: (id: number) => call<void>('POST', `${path('changes', id)}/refresh`, { body: {} }),

  environments: () => call<Page<EnvironmentDetail>>('GET', '/environments'),
  forges: () => call<Page<Forge>>('GET', '/forges'),
  forge: (forge: string) => call<Forge>('GET', path('forges', forge)),
  checkForge: (forge: string, repository: string) =>
    call<ForgeCheck>('POST', `${path('forges', forge)}/check`, { body: { repository } }),
  registerHook: (forge: string, repository: string) =>
    call<RegisteredHook>('POST', `${path('forges', forge)}/hook`, { body: { repository } }),
  makeDeployKey: (forge: string, repository?: string) =>
    call<DeployKey>('POST', `${path('forges', forge)}/deploy-key`, { body: repository ? { repository } : {} }),

  apply: (body: ApplyBody) => call<ApplyResult>('POST', '/apply', { body }),
  exportConfig: () => call<string>('GET', '/export', { headers: { Accept: 'text/plain' } }),

  eventsUrl: () => toUrl('/events'),

  ...peopleCalls,
  ...searchCalls,
  ...watchingCalls,
}
