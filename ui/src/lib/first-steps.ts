// The four things between a new davit and its first release, each with the form that does it.
import { computed } from 'vue'
import type { RouteLocationRaw } from 'vue-router'
import { useApps, useOverview } from '@/api/queries'

export const FIRST_STEPS = ['forge', 'host', 'app', 'deploy'] as const
export type FirstStep = (typeof FIRST_STEPS)[number]

export function useFirstSteps() {
  const overview = useOverview()
  const apps = useApps()
  const list = computed(() => apps.data.value?.items ?? [])
  const bare = computed(() => list.value.find(app => app.environments.length === 0))
  const configured = computed(() => list.value.find(app => app.environments.length > 0))
  /** Code can come from any git address, so who has an app needs no forge. */
  const done = computed<Record<FirstStep, boolean>>(() => ({
    forge: (overview.data.value?.forges ?? 0) > 0 || list.value.length > 0,
    host: (overview.data.value?.hosts ?? 0) > 0,
    app: configured.value !== undefined,
    deploy: (overview.data.value?.apps ?? []).some(app => app.cells.some(cell => cell.live)),
  }))
  const targets = computed<Record<FirstStep, RouteLocationRaw>>(() => ({
    forge: { name: 'forge-new' },
    host: { name: 'host-new' },
    app: appTarget(),
    deploy: { name: 'request-new', query: firstRelease() },
  }))

  /** An app that is there and goes nowhere yet needs its first release config. */
  function appTarget(): RouteLocationRaw {
    const environment = overview.data.value?.environments[0]?.key
    if (!bare.value) return { name: 'app-new' }
    return environment
      ? { name: 'config', params: { app: bare.value.key, environment } }
      : { name: 'app', params: { app: bare.value.key } }
  }

  function firstRelease(): Record<string, string> {
    const app = configured.value
    const environment = app?.environments[0]?.environment
    return app && environment ? { app: app.key, environment } : {}
  }

  /** An app that is there still has to say where it goes. */
  const words = (key: FirstStep) => (key === 'app' && bare.value && !configured.value ? 'config' : key)

  return {
    steps: computed(() =>
      FIRST_STEPS.map(key => ({
        key,
        words: words(key),
        done: done.value[key],
        to: targets.value[key],
        ready: key !== 'deploy' || done.value.app,
      })),
    ),
    loaded: computed(() => Boolean(overview.data.value && apps.data.value)),
    /** The step after the last that is done; what was left out on the way is not asked for again before the end. */
    next: computed(() => {
      const after = FIRST_STEPS.findLastIndex(key => done.value[key]) + 1
      return FIRST_STEPS[after] ?? FIRST_STEPS.find(key => !done.value[key])
    }),
  }
}
