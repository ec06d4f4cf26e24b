// The calls about apps and their release configs: the form, its revisions, its checks.
import { call, path } from '../client'
import type { AppBody, ConfigCheck, ConfigForm, ConfigRevision, DryRun, Page, SavedConfig } from '../types'

const at = (app: string, environment: string) => path('apps', app, 'configs', environment)

export const configCalls = {
  makeApp: (body: AppBody) => call<void>('POST', '/apps', { body }),
  changeApp: (app: string, body: Omit<AppBody, 'key'>) => call<void>('PATCH', path('apps', app), { body }),
  removeApp: (app: string) => call<void>('DELETE', path('apps', app)),

  releaseConfig: (app: string, environment: string) => call<SavedConfig>('GET', at(app, environment)),
  saveConfig: (app: string, environment: string, form: ConfigForm, baseRevision: number | null) =>
    call<SavedConfig>('PUT', at(app, environment), { body: { form, base_revision: baseRevision } }),
  removeConfig: (app: string, environment: string) => call<void>('DELETE', at(app, environment)),
  cloneConfig: (
    app: string,
    environment: string,
    to: { to_app?: string; to_environment: string; deploy_path?: string },
  ) => call<SavedConfig>('POST', `${at(app, environment)}/clone`, { body: to }),
  checkConfig: (app: string, environment: string, form: ConfigForm, signal?: AbortSignal) =>
    call<ConfigCheck>('POST', `${at(app, environment)}/check`, { body: { form }, signal }),
  dryRun: (app: string, environment: string, reference?: string) =>
    call<DryRun>('POST', `${at(app, environment)}/dry-run`, { body: reference ? { reference } : {} }),

  configRevisions: (app: string, environment: string) =>
    call<Page<ConfigRevision>>('GET', `${at(app, environment)}/revisions`),
  configDiff: (app: string, environment: string, from: number, to: number) =>
    call<{ diff: string }>('GET', `${at(app, environment)}/revisions/diff`, { query: { from, to } }),
  restoreConfig: (app: string, environment: string, revision: number) =>
    call<SavedConfig>('POST', `${at(app, environment)}/revisions/${revision}/restore`, { body: {} }),
}
