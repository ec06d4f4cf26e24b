// What the pages of requests and of release configs read.
import { useInfiniteQuery, useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import type { RequestFilter } from './calls/requests'
import { statusOf } from './client'
import { api } from './endpoints'
import { usePages } from './queries'

export const useRequests = (filter: MaybeRefOrGetter<RequestFilter>) => usePages('requests', filter, api.requests)

/** How many requests each group holds, under all other filters. */
export const useRequestCounts = (filter: MaybeRefOrGetter<RequestFilter>) =>
  useQuery({
    queryKey: ['request-counts', computed(() => JSON.stringify(toValue(filter)))],
    queryFn: () => api.requestCounts(toValue(filter)),
    placeholderData: previous => previous,
  })

export const useRequest = (id: MaybeRefOrGetter<number>) =>
  useQuery({ queryKey: ['request', computed(() => toValue(id))], queryFn: () => api.request(toValue(id)) })

/** The requests that were asked for together. */
export const useBatch = (batch: MaybeRefOrGetter<number | null>) =>
  useQuery({
    queryKey: ['requests', 'batch', computed(() => toValue(batch))],
    queryFn: () => api.batch(toValue(batch) ?? 0),
    enabled: () => toValue(batch) !== null,
  })

export type DiffOf =
  | { request: number; version: number }
  /** Of what is only going to be asked for. */
  | { app: string; environment: string; commit: string }

export const useReleaseDiff = (of: MaybeRefOrGetter<DiffOf>, enabled: MaybeRefOrGetter<boolean> = true) =>
  useQuery({
    queryKey: ['diff', computed(() => toValue(of))],
    queryFn: () => {
      const what = toValue(of)
      return 'request' in what ? api.requestDiff(what.request) : api.commitDiff(what.app, what.environment, what.commit)
    },
    enabled: () => toValue(enabled),
  })

/** Branches and tags whose names hold `q`. The server fetches from the forge, so nobody asks before it is needed. */
export const useRefs = (
  app: MaybeRefOrGetter<string>,
  q: MaybeRefOrGetter<string>,
  enabled: MaybeRefOrGetter<boolean>,
) =>
  useQuery({
    queryKey: ['refs', computed(() => toValue(app)), computed(() => toValue(q))],
    queryFn: () => api.refs(toValue(app), toValue(q)),
    enabled: () => toValue(enabled),
    placeholderData: (previous, query) => (query?.queryKey[1] === toValue(app) ? previous : undefined),
  })

/** The commits of a branch or tag, the newest first, page by page. */
export function useCommits(of: MaybeRefOrGetter<{ app: string; ref: string; q: string }>) {
  const query = useInfiniteQuery({
    queryKey: ['commits', computed(() => toValue(of))],
    queryFn: ({ pageParam }) => {
      const { app, ref, q } = toValue(of)
      return api.commits(app, ref, q, pageParam)
    },
    initialPageParam: undefined as string | undefined,
    getNextPageParam: last => last.next ?? undefined,
    enabled: () => toValue(of).ref !== '',
  })
  const items = computed(() => query.data.value?.pages.flatMap(page => page.items) ?? [])
  return { ...query, items }
}

/** The commit that the beginning of a SHA means; null when it means none, or more than one. */
export const useCommitById = (app: MaybeRefOrGetter<string>, sha: MaybeRefOrGetter<string>) =>
  useQuery({
    queryKey: ['commit', computed(() => toValue(app)), computed(() => toValue(sha))],
    queryFn: async () => {
      const typed = toValue(sha)
      const found = await api.commits(toValue(app), typed, '', undefined, 1).catch((error: unknown) => {
        if (statusOf(error) === 422) return null
        throw error
      })
      // A branch may be called like a SHA.
      return found?.items.find(commit => commit.sha.startsWith(typed)) ?? null
    },
    enabled: () => toValue(sha) !== '',
  })

/** The saved form of a release config; null when the app has none for the environment yet. */
export const useReleaseConfig = (app: MaybeRefOrGetter<string>, environment: MaybeRefOrGetter<string>) =>
  useQuery({
    queryKey: ['release-config', computed(() => toValue(app)), computed(() => toValue(environment))],
    queryFn: () =>
      api.releaseConfig(toValue(app), toValue(environment)).catch((error: unknown) => {
        if (statusOf(error) === 404) return null
        throw error
      }),
  })

export const useConfigRevisions = (app: MaybeRefOrGetter<string>, environment: MaybeRefOrGetter<string>) =>
  useQuery({
    queryKey: ['config-revisions', computed(() => toValue(app)), computed(() => toValue(environment))],
    queryFn: () => api.configRevisions(toValue(app), toValue(environment)),
  })

export const useConfigDiff = (
  of: MaybeRefOrGetter<{ app: string; environment: string; from: number; to: number }>,
  enabled: MaybeRefOrGetter<boolean>,
) =>
  useQuery({
    queryKey: ['config-diff', computed(() => toValue(of))],
    queryFn: () => {
      const { app, environment, from, to } = toValue(of)
      return api.configDiff(app, environment, from, to)
    },
    enabled: () => toValue(enabled),
  })
