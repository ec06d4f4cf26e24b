// Where somebody has been lately: the pages of single things, kept in this browser for each account and forgotten when
// its session ends.
import { onScopeDispose, type Ref, ref, watch } from 'vue'
import type { RouteLocationNormalized, Router } from 'vue-router'

export interface Visit {
  path: string
  /** As the browser's tab said, without the program's name. */
  title: string
  /** The message key of what kind of page it is. */
  kind: string
  /** The entry of the navigation that it belongs to. */
  section: string
}

const MOST = 12
const PREFIX = 'davit.recent.'

/** A list with this visit first, once, and no longer than it should be. */
export function withVisit(visits: readonly Visit[], visit: Visit): Visit[] {
  return [visit, ...visits.filter(({ path }) => path !== visit.path)].slice(0, MOST)
}

/** The visits of the account that `user` names, the last first. Each page that is left counts as one. */
export function useVisits(router: Router, user: Ref<string | undefined>): Ref<Visit[]> {
  const visits = ref<Visit[]>([])
  watch(
    user,
    name => {
      visits.value = name === undefined ? [] : read(name)
    },
    { immediate: true },
  )
  const stop = router.beforeEach((to, from) => {
    // Whoever is on the way to the login has left.
    const visit = to.path === from.path || to.meta.open ? null : visitOf(from)
    if (!visit || user.value === undefined) return
    visits.value = withVisit(visits.value, visit)
    write(user.value, visits.value)
  })
  onScopeDispose(stop)
  return visits
}

/** No visit is left in the browser, whosever it was. */
export function forgetVisits() {
  try {
    for (const key of Object.keys(localStorage)) if (key.startsWith(PREFIX)) localStorage.removeItem(key)
  } catch {
    // Then nothing was kept either.
  }
}

/** What is worth coming back to: the page of one thing, as its address says. */
function visitOf(route: RouteLocationNormalized): Visit | null {
  const isThing = Object.keys(route.params).length > 0 && route.name !== 'not-found' && !route.meta.open
  if (!isThing) return null
  const title = document.title.replace(/ · davit$/, '')
  return { path: route.path, title, kind: route.meta.title, section: route.meta.section ?? '' }
}

function read(user: string): Visit[] {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(PREFIX + user) ?? '[]')
    return Array.isArray(kept) ? kept.filter(isVisit).slice(0, MOST) : []
  } catch {
    return []
  }
}

function write(user: string, visits: Visit[]) {
  try {
    localStorage.setItem(PREFIX + user, JSON.stringify(visits))
  } catch {
    // The list lasts as long as the page.
  }
}

function isVisit(value: unknown): value is Visit {
  if (typeof value !== 'object' || value === null) return false
  const visit = value as Record<string, unknown>
  const isText = ['path', 'title', 'kind', 'section'].every(name => typeof visit[name] === 'string')
  return isText && String(visit.path).startsWith('/')
}
