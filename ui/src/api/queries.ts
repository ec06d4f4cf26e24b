// What the pages read: one composable a resource over vue-query, and the map from a change on the server to the
// queries that show it.
import { useInfiniteQuery, useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import {
  api,
  type ChangeFilter,
  type DeliveryFilter,
  type DeploymentFilter,
  type OutboxFilter,
  type RunFilter,
} from './endpoints'
import type { ChangeTopic, FiguresFilter, Page } from './types'

/** The queries that show how forges stand. */
export const forgeKeys = ['forges', 'forge']

/** The queries that show what keeps releases waiting. */
export const gateKeys = ['gate', 'locks', 'environments']

const topicKeys: Record<ChangeTopic, string[]> = {
  deployment: [
    'overview',
    'deployments',
    'deployment',
    'requests',
    'request',
    'request-counts',
    'apps',
    'app',
    'releases',
    'live',
    'delivery',
    'figures',
  ],
  request: ['overview', 'requests', 'request', 'request-counts', 'diff', 'delivery'],
  delivery: ['deliveries', 'delivery', ...forgeKeys],
  host: ['hosts', 'overview'],
  config: [
    'overview',
    'apps',
    'app',
    'environments',
    ...forgeKeys,
    'hosts',
    'export',
    'releases',
    'release-config',
    'config-revisions',
    'gate',
    'locks',
    'host-form',
    'forge-form',
    'repository-form',
    'channel-form',
    'repositories',
    'change',
    'channels',
    'channel-preview',
    'login-providers',
  ],
  outbox: ['outbox', ...forgeKeys],
  alert: ['overview'],
  run: ['runs', 'run', 'changes', 'change'],
  job: ['run'],
  change: ['changes', 'change'],
  feed: ['feed', 'feed-actions'],
  terminal: ['terminals', 'terminal'],
  people: ['session', 'users', 'user', 'user-sessions', 'groups', 'group', 'grants', 'my-tokens', 'my-identities'],
}

/** The queries that cost the server much and may be some seconds old: they count whatever ever went live. */
export const PATIENT_KEYS: ReadonlySet<string> = new Set(['figures'])

/** The first elements of the query keys that a change of `topic` may have made old. */
export function keysOf(topic: ChangeTopic): string[] {
  return topicKeys[topic]
}

export const sessionQuery = { queryKey: ['session'], queryFn: api.session, staleTime: Number.POSITIVE_INFINITY }

export const useSession = () => useQuery(sessionQuery)
export const useOverview = () => useQuery({ queryKey: ['overview'], queryFn: api.overview })
/** How changes go live; the figures of the period before stay in sight until the new ones are there. */
export const useFigures = (filter: MaybeRefOrGetter<FiguresFilter>) =>
  useQuery({
    queryKey: ['figures', computed(() => toValue(filter))],
    queryFn: ({ signal }) => api.figures(toValue(filter), signal),
    placeholderData: previous => previous,
  })

export const useApps = () => useQuery({ queryKey: ['apps'], queryFn: api.apps })
export const useHosts = () => useQuery({ queryKey: ['hosts'], queryFn: api.hosts })
export const usePublicKey = () => useQuery({ queryKey: ['public-key'], queryFn: api.publicKey })
export const useEnvironments = () => useQuery({ queryKey: ['environments'], queryFn: api.environments })
export const useForges = () => useQuery({ queryKey: ['forges'], queryFn: api.forges })

export const useForge = (forge: MaybeRefOrGetter<string>) =>
  useQuery({ queryKey: ['forge', computed(() => toValue(forge))], queryFn: () => api.forge(toValue(forge)) })

export const useApp = (app: MaybeRefOrGetter<string>) =>
  useQuery({ queryKey: ['app', computed(() => toValue(app))], queryFn: () => api.app(toValue(app)) })

export const useReleases = (
  app: MaybeRefOrGetter<string>,
  environment: MaybeRefOrGetter<string>,
  enabled: MaybeRefOrGetter<boolean>,
) =>
  useQuery({
    queryKey: ['releases', computed(() => toValue(app)), computed(() => toValue(environment))],
    queryFn: () => api.releases(toValue(app), toValue(environment)),
    enabled: () => toValue(enabled),
  })

export const useLocks = () => useQuery({ queryKey: ['locks'], queryFn: api.locks })

/** Locks and the freeze window between an app and an environment. */
export const useGate = (environment: MaybeRefOrGetter<string>, app: MaybeRefOrGetter<string | undefined>) =>
  useQuery({
    queryKey: ['gate', computed(() => toValue(environment)), computed(() => toValue(app))],
    queryFn: () => api.gate(toValue(environment), toValue(app)),
  })

export const useBuilds = (app: MaybeRefOrGetter<string>, enabled: MaybeRefOrGetter<boolean>) =>
  useQuery({
    queryKey: ['builds', computed(() => toValue(app))],
    queryFn: () => api.builds(toValue(app)),
    enabled: () => toValue(enabled),
  })

/** What the hosts said when they were last asked what they serve. */
export const useLive = (app: MaybeRefOrGetter<string>, environment: MaybeRefOrGetter<string>) =>
  useQuery({
    queryKey: ['live', computed(() => toValue(app)), computed(() => toValue(environment))],
    queryFn: () => api.live(toValue(app), toValue(environment)),
  })

export const useDeployment = (id: MaybeRefOrGetter<number>, enabled: MaybeRefOrGetter<boolean> = true) =>
  useQuery({
    queryKey: ['deployment', computed(() => toValue(id))],
    queryFn: () => api.deployment(toValue(id)),
    enabled: () => toValue(enabled),
  })

export const useDelivery = (id: MaybeRefOrGetter<number>) =>
  useQuery({ queryKey: ['delivery', computed(() => toValue(id))], queryFn: () => api.delivery(toValue(id)) })

export const useRun = (id: MaybeRefOrGetter<number>) =>
  useQuery({ queryKey: ['run', computed(() => toValue(id))], queryFn: () => api.run(toValue(id)) })

export const useChange = (id: MaybeRefOrGetter<number>) =>
  useQuery({ queryKey: ['change', computed(() => toValue(id))], queryFn: () => api.change(toValue(id)) })

export const useRepositories = () => useQuery({ queryKey: ['repositories'], queryFn: api.repositories })

/** The workflows of a repository at a branch, tag or commit; the server reads them with git for each call. */
export const useWorkflows = (
  of: MaybeRefOrGetter<{ forge: string; repository: string; ref: string }>,
  enabled: MaybeRefOrGetter<boolean>,
) =>
  useQuery({
    queryKey: ['workflows', computed(() => toValue(of))],
    queryFn: () => {
      const { forge, repository, ref } = toValue(of)
      return api.workflows(forge, repository, ref)
    },
    enabled: () => toValue(enabled),
  })

export const useRuns = (filter: MaybeRefOrGetter<RunFilter>) => usePages('runs', filter, api.runs)
export const useChanges = (filter: MaybeRefOrGetter<ChangeFilter>) => usePages('changes', filter, api.changes)
export const useDeployments = (filter: MaybeRefOrGetter<DeploymentFilter>) =>
  usePages('deployments', filter, api.deployments)
export const useDeliveries = (filter: MaybeRefOrGetter<DeliveryFilter>) =>
  usePages('deliveries', filter, api.deliveries)
export const useOutbox = (filter: MaybeRefOrGetter<OutboxFilter>) => usePages('outbox', filter, api.outbox)

/** For a page that changes keep away. */
const MOST_CALLS = 3

/** A list read page by page; `items` is all that was loaded so far. */
export function usePages<T, F extends object>(
  key: string,
  filter: MaybeRefOrGetter<F>,
  load: (filter: F, cursor?: string) => Promise<Page<T>>,
) {
  const asked = computed(() => JSON.stringify(toValue(filter)))
  const query = useInfiniteQuery({
    queryKey: [key, asked],
    queryFn: ({ pageParam }) => load(toValue(filter), pageParam),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: last => last.next ?? undefined,
    placeholderData: previous => previous,
  })
  const items = computed(() => query.data.value?.pages.flatMap(page => page.items) ?? [])

  /**
   * The next page. A change that is told meanwhile makes the list load again in place of it, and a list that is loaded
   * again must not be broken off either, so it is asked for once more then; but not of the list of another filter.
   */
  async function fetchNextPage() {
    const list = asked.value
    const known = query.data.value?.pages.length
    for (let call = 0; call < MOST_CALLS; call++) {
      const { data, isError } = await query.fetchNextPage({ cancelRefetch: false })
      if (isError || asked.value !== list || data?.pages.length !== known) return
    }
  }
  return { ...query, items, fetchNextPage }
}
