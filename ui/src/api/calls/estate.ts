// The calls that make, change and delete environments, hosts, forges and channels, one at a time.
import { call, path } from '../client'
import type { ChannelForm, Declared, EnvironmentForm, ForgeForm, HostForm, Lock, Page, PutBody } from '../types'

export const estateCalls = {
  putEnvironment: (key: string, body: PutBody<EnvironmentForm> & { order?: number }, signal?: AbortSignal) =>
    call<Declared<EnvironmentForm>>('PUT', path('environments', key), { body, signal }),
  removeEnvironment: (key: string) => call<void>('DELETE', path('environments', key)),
  locks: () => call<Page<Lock>>('GET', '/locks'),

  hostForm: (name: string) => call<Declared<HostForm>>('GET', path('hosts', name)),
  putHost: (name: string, body: PutBody<HostForm>, signal?: AbortSignal) =>
    call<Declared<HostForm>>('PUT', path('hosts', name), { body, signal }),
  removeHost: (name: string) => call<void>('DELETE', path('hosts', name)),

  forgeForm: (id: string) => call<Declared<ForgeForm>>('GET', `${path('forges', id)}/form`),
  putForge: (id: string, body: PutBody<ForgeForm>, signal?: AbortSignal) =>
    call<Declared<ForgeForm>>('PUT', path('forges', id), { body, signal }),
  removeForge: (id: string) => call<void>('DELETE', path('forges', id)),

  channelForm: (id: string) => call<Declared<ChannelForm>>('GET', path('channels', id)),
  putChannel: (id: string, body: PutBody<ChannelForm>, signal?: AbortSignal) =>
    call<Declared<ChannelForm>>('PUT', path('channels', id), { body, signal }),
  removeChannel: (id: string) => call<void>('DELETE', path('channels', id)),
}
