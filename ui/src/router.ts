// Addresses of pages, and who may see them: nobody signed out, and nothing before set-up.
import type { QueryClient } from '@tanstack/vue-query'
import { createRouter, createWebHistory, type RouteLocationNormalized, type RouteLocationRaw } from 'vue-router'
import { ApiError } from './api/client'
import { api } from './api/endpoints'
import { sessionQuery } from './api/queries'
import { forgetVisits } from './lib/recent'
import { recoverFromMissingCode } from './lib/stale-page'
import { settingsRoute } from './settings-routes'

declare module 'vue-router' {
  interface RouteMeta {
    /** The message key of the page's title. */
    title: string
    /** May be seen without a session, and has no navigation around it. */
    open?: boolean
    /** The navigation entry that stays lit, when it is not the route's own name. */
    section?: string
  }
}

export function createAppRouter(queryClient: QueryClient) {
  const router = createRouter({
    history: createWebHistory(),
    // A filter or the line of a log that is chosen leaves the page where it is.
    scrollBehavior: (to, from, saved) => saved ?? (to.path === from.path ? false : { top: 0 }),
    routes: [
      {
        path: '/',
        name: 'overview',
        component: () => import('./pages/OverviewPage.vue'),
        meta: { title: 'nav.overview' },
      },
      {
        path: '/requests',
        name: 'requests',
        component: () => import('./pages/RequestsPage.vue'),
        meta: { title: 'nav.requests' },
      },
      {
        path: '/requests/new',
        name: 'request-new',
        component: () => import('./pages/NewRequestPage.vue'),
        meta: { title: 'newRequest.title', section: 'requests' },
      },
      {
        path: '/requests/:id(\\d+)',
        name: 'request',
        component: () => import('./pages/RequestPage.vue'),
        props: numericId,
        meta: { title: 'nav.requests', section: 'requests' },
      },
      {
        path: '/requests/:id(\\d+)/edit',
        name: 'request-edit',
        component: () => import('./pages/EditRequestPage.vue'),
        props: numericId,
        meta: { title: 'request.edit', section: 'requests' },
      },
      {
        path: '/deployments',
        name: 'deployments',
        component: () => import('./pages/DeploymentsPage.vue'),
        meta: { title: 'nav.deployments' },
      },
      {
        path: '/deployments/:id(\\d+)',
        name: 'deployment',
        component: () => import('./pages/DeploymentPage.vue'),
        props: numericId,
        meta: { title: 'deployment.title', section: 'deployments' },
      },
      { path: '/runs', name: 'runs', component: () => import('./pages/RunsPage.vue'), meta: { title: 'nav.runs' } },
      {
        path: '/runs/:id(\\d+)',
        name: 'run',
        component: () => import('./pages/RunPage.vue'),
        props: numericId,
        meta: { title: 'run.title', section: 'runs' },
      },
      {
        path: '/changes',
        name: 'changes',
        component: () => import('./pages/ChangesPage.vue'),
        meta: { title: 'nav.changes' },
      },
      {
        path: '/changes/:id(\\d+)',
        name: 'change',
        component: () => import('./pages/ChangePage.vue'),
        props: numericId,
        meta: { title: 'change.title', section: 'changes' },
      },
      { path: '/apps', name: 'apps', component: () => import('./pages/AppsPage.vue'), meta: { title: 'nav.apps' } },
      {
        path: '/apps/new',
        name: 'app-new',
        component: () => import('./pages/NewAppPage.vue'),
        meta: { title: 'newApp.title', section: 'apps' },
      },
      {
        path: '/apps/:app',
        name: 'app',
        component: () => import('./pages/AppPage.vue'),
        props: true,
        meta: { title: 'app.title', section: 'apps' },
      },
      {
        path: '/apps/:app/configs/:environment/edit',
        name: 'config',
        component: () => import('./pages/ConfigPage.vue'),
        props: true,
        meta: { title: 'app.configs', section: 'apps' },
      },
      {
        path: '/apps/:app/configs/:environment/history',
        name: 'config-history',
        component: () => import('./pages/ConfigHistoryPage.vue'),
        props: true,
        meta: { title: 'configHistory.title', section: 'apps' },
      },
      {
        path: '/environments',
        name: 'environments',
        component: () => import('./pages/EnvironmentsPage.vue'),
        meta: { title: 'nav.environments' },
      },
      {
        path: '/environments/new',
        name: 'environment-new',
        component: () => import('./pages/EnvironmentFormPage.vue'),
        meta: { title: 'environments.new', section: 'environments' },
      },
      {
        path: '/environments/:environment',
        name: 'environment',
        component: () => import('./pages/EnvironmentPage.vue'),
        props: true,
        meta: { title: 'field.environment', section: 'environments' },
      },
      {
        path: '/environments/:environment/edit',
        name: 'environment-edit',
        component: () => import('./pages/EnvironmentFormPage.vue'),
        props: true,
        meta: { title: 'field.environment', section: 'environments' },
      },
      { path: '/hosts', name: 'hosts', component: () => import('./pages/HostsPage.vue'), meta: { title: 'nav.hosts' } },
      {
        path: '/hosts/new',
        name: 'host-new',
        component: () => import('./pages/HostFormPage.vue'),
        meta: { title: 'hosts.emptyGo', section: 'hosts' },
      },
      {
        path: '/hosts/import',
        name: 'host-import',
        component: () => import('./pages/HostImportPage.vue'),
        meta: { title: 'hostImport.title', section: 'hosts' },
      },
      {
        path: '/hosts/:host/edit',
        name: 'host-edit',
        component: () => import('./pages/HostFormPage.vue'),
        props: true,
        meta: { title: 'field.host', section: 'hosts' },
      },
      {
        path: '/deliveries',
        name: 'deliveries',
        component: () => import('./pages/DeliveriesPage.vue'),
        meta: { title: 'nav.deliveries' },
      },
      {
        path: '/deliveries/:id(\\d+)',
        name: 'delivery',
        component: () => import('./pages/DeliveryPage.vue'),
        props: numericId,
        meta: { title: 'delivery.title', section: 'deliveries' },
      },
      {
        path: '/outbox',
        name: 'outbox',
        component: () => import('./pages/OutboxPage.vue'),
        meta: { title: 'nav.outbox' },
      },
      {
        path: '/forges',
        name: 'forges',
        component: () => import('./pages/ForgesPage.vue'),
        meta: { title: 'nav.forges' },
      },
      {
        path: '/forges/new',
        name: 'forge-new',
        component: () => import('./pages/ForgeFormPage.vue'),
        meta: { title: 'forges.add', section: 'forges' },
      },
      {
        path: '/forges/:id/edit',
        name: 'forge-edit',
        component: () => import('./pages/ForgeFormPage.vue'),
        props: true,
        meta: { title: 'forge.title', section: 'forges' },
      },
      {
        path: '/forges/:id',
        name: 'forge',
        component: () => import('./pages/ForgePage.vue'),
        props: true,
        meta: { title: 'forge.title', section: 'forges' },
      },
      {
        path: '/configuration',
        name: 'configuration',
        component: () => import('./pages/ConfigurationPage.vue'),
        meta: { title: 'nav.configuration' },
      },
      {
        path: '/feed',
        name: 'feed',
        component: () => import('./pages/FeedPage.vue'),
        meta: { title: 'nav.feed' },
      },
      {
        path: '/terminals',
        name: 'terminals',
        component: () => import('./pages/TerminalsPage.vue'),
        meta: { title: 'terminals.title', section: 'hosts' },
      },
      {
        path: '/terminals/:id(\\d+)',
        name: 'terminal',
        component: () => import('./pages/RecordingPage.vue'),
        props: numericId,
        meta: { title: 'recording.title', section: 'hosts' },
      },
      {
        path: '/hosts/:host/terminal',
        name: 'host-terminal',
        component: () => import('./pages/TerminalPage.vue'),
        props: true,
        meta: { title: 'terminal.title', section: 'hosts' },
      },
      {
        path: '/account',
        name: 'account',
        component: () => import('./pages/AccountPage.vue'),
        meta: { title: 'account.title' },
      },
      settingsRoute,
      {
        path: '/welcome',
        name: 'welcome',
        component: () => import('./pages/WelcomePage.vue'),
        meta: { title: 'welcome.title' },
      },
      {
        path: '/setup',
        name: 'setup',
        component: () => import('./pages/SetupPage.vue'),
        meta: { title: 'setup.title', open: true },
      },
      {
        path: '/login',
        name: 'login',
        component: () => import('./pages/LoginPage.vue'),
        meta: { title: 'login.title', open: true },
      },
      {
        path: '/:rest(.*)*',
        name: 'not-found',
        component: () => import('./pages/NotFoundPage.vue'),
        meta: { title: 'notFound.title' },
      },
    ],
  })

  router.beforeEach(to => admit(queryClient, to))
  recoverFromMissingCode(router)
  sendToLoginWhenSignedOut(queryClient, router)
  return router
}

/** Where a visit really goes: through the wizard first, then through the login. */
async function admit(queryClient: QueryClient, to: RouteLocationNormalized): Promise<RouteLocationRaw | true> {
  if (to.meta.open) return true
  try {
    await queryClient.ensureQueryData(sessionQuery)
    return true
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    if (error.code === 'setup_needed' || (error.status === 401 && (await setupNeeded()))) return { name: 'setup' }
    if (error.status === 401) return toLogin(to)
    // The server is away: the page opens and says so itself.
    return true
  }
}

async function setupNeeded(): Promise<boolean> {
  return api.setupState().then(
    state => state.needed,
    () => false,
  )
}

/** A session that ends while somebody works shows as 401 on whatever is read next. */
function sendToLoginWhenSignedOut(queryClient: QueryClient, router: ReturnType<typeof createRouter>) {
  queryClient.getQueryCache().subscribe(event => {
    if (event.type !== 'updated' || event.action.type !== 'error') return
    const error: unknown = event.action.error
    const here = router.currentRoute.value
    if (!(error instanceof ApiError) || error.status !== 401 || here.meta.open || !here.name) return
    queryClient.removeQueries({ queryKey: sessionQuery.queryKey })
    void router.push(toLogin(here))
  })
}

/** A session that has expired leaves what somebody was writing in its tab, but not where they have been. */
function toLogin(from: RouteLocationNormalized): RouteLocationRaw {
  forgetVisits()
  return { name: 'login', query: { next: from.fullPath } }
}

function numericId(route: RouteLocationNormalized) {
  return { id: Number(route.params.id) }
}
