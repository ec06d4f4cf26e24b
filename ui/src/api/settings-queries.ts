// What the pages of accounts, settings, the feed and terminals read.
import { useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import type { FeedFilter, TerminalFilter } from './calls/watching'
import { api } from './endpoints'
import { usePages } from './queries'
import type { ValueScope } from './types'

export const useLoginProviders = () => useQuery({ queryKey: ['login-providers'], queryFn: api.loginProviders })

export const useMySessions = () => useQuery({ queryKey: ['my-sessions'], queryFn: api.mySessions })
export const useMyIdentities = () => useQuery({ queryKey: ['my-identities'], queryFn: api.myIdentities })
export const useMyTokens = () => useQuery({ queryKey: ['my-tokens'], queryFn: api.myTokens })

export const useUsers = () => useQuery({ queryKey: ['users'], queryFn: api.users })
export const useUser = (name: MaybeRefOrGetter<string>) =>
  useQuery({ queryKey: ['user', computed(() => toValue(name))], queryFn: () => api.user(toValue(name)) })
export const useUserSessions = (name: MaybeRefOrGetter<string>) =>
  useQuery({
    queryKey: ['user-sessions', computed(() => toValue(name))],
    queryFn: () => api.userSessions(toValue(name)),
  })

export const useGroups = () => useQuery({ queryKey: ['groups'], queryFn: api.groups })
export const useGroup = (name: MaybeRefOrGetter<string>) =>
  useQuery({ queryKey: ['group', computed(() => toValue(name))], queryFn: () => api.group(toValue(name)) })
export const useGrants = () => useQuery({ queryKey: ['grants'], queryFn: api.grants })

/** The queries that show people and what they may do. */
export const peopleKeys = ['users', 'user', 'user-sessions', 'groups', 'group', 'grants', 'session']

/** What holds in a place, with what comes from wider ones. */
export const useValues = (scope: MaybeRefOrGetter<ValueScope>) =>
  useQuery({ queryKey: ['values', computed(() => toValue(scope))], queryFn: () => api.values(toValue(scope), true) })

export const useValuesHistory = (scope: MaybeRefOrGetter<ValueScope>, enabled: MaybeRefOrGetter<boolean>) =>
  useQuery({
    queryKey: ['values-history', computed(() => toValue(scope))],
    queryFn: () => api.valuesHistory(toValue(scope)),
    enabled: () => toValue(enabled),
  })

/** What is different between two revisions of a place. */
export const useValuesDiff = (
  scope: MaybeRefOrGetter<ValueScope>,
  from: MaybeRefOrGetter<number>,
  to: MaybeRefOrGetter<number>,
) =>
  useQuery({
    queryKey: [
      'values-diff',
      computed(() => toValue(scope)),
      computed(() => toValue(from)),
      computed(() => toValue(to)),
    ],
    queryFn: () => api.valuesDiff(toValue(scope), toValue(from), toValue(to)),
    enabled: () => toValue(to) > 0,
  })

export const useChannels = () => useQuery({ queryKey: ['channels'], queryFn: api.channels })
export const useChannelPreview = (id: MaybeRefOrGetter<string>, event: MaybeRefOrGetter<string>) =>
  useQuery({
    queryKey: ['channel-preview', computed(() => toValue(id)), computed(() => toValue(event))],
    queryFn: () => api.previewChannel(toValue(id), toValue(event)),
  })

export const useFeed = (filter: MaybeRefOrGetter<FeedFilter>) => usePages('feed', filter, api.feed)
export const useFeedActions = () => useQuery({ queryKey: ['feed-actions'], queryFn: api.feedActions })

export const useTerminals = (filter: MaybeRefOrGetter<TerminalFilter>) =>
  useQuery({
    queryKey: ['terminals', computed(() => toValue(filter))],
    queryFn: () => api.terminals(toValue(filter)),
  })
export const useTerminal = (id: MaybeRefOrGetter<number>) =>
  useQuery({ queryKey: ['terminal', computed(() => toValue(id))], queryFn: () => api.terminal(toValue(id)) })
