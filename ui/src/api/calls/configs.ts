// The calls about apps and their release configs: the form, its revisions, its checks.
import { call } from '../client'
import type { AppBody, ConfigForm } from '../types'

export const configCalls = {
  makeApp: (body: AppBody) => call('POST', '/apps', { body }),
  changeApp: (app: string, body: Omit<AppBody, 'key'>) => call('PATCH', '/apps/{app}', { path: { app }, body }),
  removeApp: (app: string) => call('DELETE', '/apps/{app}', { path: { app } }),

  releaseConfig: (app: string, environment: string) =>
    call('GET', '/apps/{app}/configs/{environment}', { path: { app, environment } }),
  saveConfig: (app: string, environment: string, form: ConfigForm, baseRevision: number | null) =>
    call('PUT', '/apps/{app}/configs/{environment}', {
      path: { app, environment },
      body: { form, base_revision: baseRevision },
    }),
  removeConfig: (app: string, environment: string) =>
    call('DELETE', '/apps/{app}/configs/{environment}', { path: { app, environment } }),
  cloneConfig: (
    app: string,
    environment: string,
    to: { to_app?: string; to_environment: string; deploy_path?: string },
  ) => call('POST', '/apps/{app}/configs/{environment}/clone', { path: { app, environment }, body: to }),
  checkConfig: (app: string, environment: string, form: ConfigForm, signal?: AbortSignal) =>
    call('POST', '/apps/{app}/configs/{environment}/check', { path: { app, environment }, body: { form }, signal }),
  dryRun: (app: string, environment: string, reference?: string) =>
    call('POST', '/apps/{app}/configs/{environment}/dry-run', {
      path: { app, environment },
      body: reference ? { reference } : {},
    }),

  configRevisions: (app: string, environment: string) =>
    call('GET', '/apps/{app}/configs/{environment}/revisions', { path: { app, environment } }),
  configDiff: (app: string, environment: string, from: number, to: number) =>
    call('GET', '/apps/{app}/configs/{environment}/revisions/diff', {
      path: { app, environment },
      query: { from, to },
    }),
  restoreConfig: (app: string, environment: string, revision: number) =>
    call('POST', '/apps/{app}/configs/{environment}/revisions/{id}/restore', {
      path: { app, environment, id: revision },
    }),
}
