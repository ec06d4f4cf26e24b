// The calls that make, change and delete environments, hosts, forges, repositories and channels, one at a
// time. The document calls
// the form of each an object, since it is what davit.toml says; here it has its shape.
import { call } from '../client'
import type { ChannelForm, Declared, EnvironmentForm, ForgeForm, HostForm, PutBody, RepositoryForm } from '../types'

/** Stored secrets that go with what is taken away. */
const together = (secrets: string[]) => (secrets.length ? { secrets: secrets.join(',') } : {})

export const estateCalls = {
  /** `order`: its place from 0, in the list that the person saw as `seen_order`. */
  putEnvironment: (
    key: string,
    body: PutBody<EnvironmentForm> & { order?: number; seen_order?: string[] },
    signal?: AbortSignal,
  ) => call('PUT', '/environments/{environment}', { path: { environment: key }, body, signal }),
  removeEnvironment: (key: string) => call('DELETE', '/environments/{environment}', { path: { environment: key } }),
  locks: () => call('GET', '/locks'),

  hostForm: (name: string) => call('GET', '/hosts/{name}', { path: { name } }) as Promise<Declared<HostForm>>,
  putHost: (name: string, body: PutBody<HostForm>, signal?: AbortSignal) =>
    call('PUT', '/hosts/{name}', { path: { name }, body, signal }),
  removeHost: (name: string, secrets: string[]) =>
    call('DELETE', '/hosts/{name}', { path: { name }, query: together(secrets) }),

  forgeForm: (id: string) => call('GET', '/forges/{id}/form', { path: { id } }) as Promise<Declared<ForgeForm>>,
  putForge: (id: string, body: PutBody<ForgeForm>, signal?: AbortSignal) =>
    call('PUT', '/forges/{id}', { path: { id }, body, signal }),
  removeForge: (id: string, secrets: string[]) =>
    call('DELETE', '/forges/{id}', { path: { id }, query: together(secrets) }),

  repositoryForm: (forge: string, repository: string) =>
    call('GET', '/repositories/{forge}/{repository}', { path: { forge, repository } }) as Promise<
      Declared<RepositoryForm>
    >,
  putRepository: (forge: string, repository: string, body: PutBody<RepositoryForm>, signal?: AbortSignal) =>
    call('PUT', '/repositories/{forge}/{repository}', { path: { forge, repository }, body, signal }),
  removeRepository: (forge: string, repository: string, secrets: string[]) =>
    call('DELETE', '/repositories/{forge}/{repository}', { path: { forge, repository }, query: together(secrets) }),

  channelForm: (id: string) => call('GET', '/channels/{id}', { path: { id } }) as Promise<Declared<ChannelForm>>,
  putChannel: (id: string, body: PutBody<ChannelForm>, signal?: AbortSignal) =>
    call('PUT', '/channels/{id}', { path: { id }, body, signal }),
  removeChannel: (id: string, secrets: string[]) =>
    call('DELETE', '/channels/{id}', { path: { id }, query: together(secrets) }),
}
