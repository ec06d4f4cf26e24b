// What the palette leads to: the pages of the router, deeds, where the reader has been, and what the server finds.
import {
  CircleUserRound,
  Copy,
  FileCog,
  GitMerge,
  GitPullRequestArrow,
  Globe,
  Inbox,
  Keyboard,
  Languages,
  Layers,
  LayoutGrid,
  LogOut,
  Monitor,
  Moon,
  Package,
  Plug,
  Plus,
  Rocket,
  ScrollText,
  Send,
  Server,
  Settings,
  Sun,
  SquareTerminal,
  UserRound,
  UsersRound,
  BookOpen,
  Workflow,
} from '@lucide/vue'
import type { Component } from 'vue'
import { useI18n } from 'vue-i18n'
import { type RouteLocationRaw, type RouteRecordNormalized, useRouter } from 'vue-router'
import type { SearchHit, SearchKind } from '@/api/types'
import { type Action, useAccess } from '@/lib/access'
import { copyText } from '@/lib/browser'
import { leadsSomewhere } from '@/lib/navigation'
import { type Entry, shortcutsOpen } from '@/lib/palette'
import { LOCALES, type Locale, locale, THEMES, type Theme, theme } from '@/lib/preferences'
import type { Visit } from '@/lib/recent'
import { SETTINGS_TABS, tabsOf } from '@/lib/settings-tabs'
import { GO_TO } from '@/lib/shortcuts'
import { useSignOut } from '@/lib/sign-out'

const PAGE_ICONS: Record<string, Component> = {
  overview: LayoutGrid,
  changes: GitMerge,
  runs: Workflow,
  requests: GitPullRequestArrow,
  deployments: Rocket,
  apps: Package,
  environments: Layers,
  hosts: Server,
  terminals: SquareTerminal,
  forges: Plug,
  deliveries: Inbox,
  outbox: Send,
  feed: ScrollText,
  configuration: FileCog,
  settings: Settings,
  account: CircleUserRound,
}

const KIND_ICONS: Record<SearchKind, Component> = {
  app: Package,
  environment: Layers,
  host: Server,
  request: GitPullRequestArrow,
  deployment: Rocket,
  run: Workflow,
  change: GitMerge,
  forge: Plug,
  person: UserRound,
  group: UsersRound,
}

const THEME_ICONS: Record<Theme, Component> = { light: Sun, dark: Moon, system: Monitor }

/** Each in itself, so that whoever is lost finds the way back. */
const LANGUAGE_NAMES: Record<Locale, string> = { en: 'English', 'zh-CN': '简体中文' }

/** Pages on which something new is made, and who may make it. */
const MAKING: Record<string, Action> = {
  'request-new': 'ask',
  'app-new': 'configure',
  'host-new': 'configure',
  'host-import': 'configure',
  'environment-new': 'configure',
  'forge-new': 'configure',
  'settings-channel-new': 'configure',
  'settings-repository-new': 'configure',
}

/** Pages that are only part of a way. */
const NO_ENTRY = ['settings', 'welcome', 'not-found']

export function useEntries() {
  const { t } = useI18n()
  const router = useRouter()
  const access = useAccess()
  const signOut = useSignOut()

  const keysTo = (name: string) => Object.entries(GO_TO).find(([, route]) => route === name)?.[0]

  function pageOf(route: RouteRecordNormalized): Entry | null {
    const name = typeof route.name === 'string' ? route.name : ''
    const isOne = name !== '' && !route.path.includes(':') && !route.meta.open && !NO_ENTRY.includes(name)
    if (!isOne || !mayOpen(name)) return null
    const isNew = name in MAKING
    const key = keysTo(name)
    return {
      id: `page-${name}`,
      group: isNew ? 'action' : 'page',
      icon: isNew ? Plus : (PAGE_ICONS[name] ?? PAGE_ICONS[route.meta.section ?? ''] ?? LayoutGrid),
      title: t(route.meta.title),
      also: name.replaceAll('-', ' '),
      to: { name },
      ...(name.startsWith('settings-') && { detail: t('nav.settings') }),
      ...(name === 'request-new' && { keys: 'N' }),
      ...(key && { keys: `G ${key.toUpperCase()}` }),
    }
  }

  function mayOpen(name: string): boolean {
    const making = MAKING[name]
    if (making) return access.mayAnywhere(making)
    const tab = SETTINGS_TABS.find(tab => name === `settings-${tab}`)
    return tab ? tabsOf(access).includes(tab) : leadsSomewhere(name, access)
  }

  /** What can be made first, then the pages as the navigation has them. */
  const pages = (): Entry[] =>
    router
      .getRoutes()
      .flatMap(route => pageOf(route) ?? [])
      .sort((a, b) => orderOf(a) - orderOf(b))

  const documentation = (text: string): Entry[] => {
    const home = locale.value === 'zh-CN' ? '/docs/zh-CN' : '/docs'
    const whole = { icon: BookOpen, group: 'page' as const, also: 'docs help manual guide' }
    const reference = { ...whole, id: 'docs-api', title: t('palette.apiReference'), also: 'docs openapi rest' }
    const found = { ...whole, id: 'docs-search', title: t('palette.searchDocs', { text }), group: 'found' as const }
    return [
      { ...whole, id: 'docs', title: t('palette.docs'), href: home },
      { ...reference, href: `${home}/api` },
      ...(text ? [{ ...found, href: `${home}/search?q=${encodeURIComponent(text)}` }] : []),
    ]
  }

  const deeds = (): Entry[] => [
    ...THEMES.filter(value => value !== theme.value).map(value => ({
      id: `theme-${value}`,
      group: 'action' as const,
      icon: THEME_ICONS[value],
      title: t('palette.theme', { theme: t(`theme.${value}`) }),
      also: `theme ${value}`,
      run: () => {
        theme.value = value
      },
    })),
    ...LOCALES.filter(value => value !== locale.value).map(value => ({
      id: `language-${value}`,
      group: 'action' as const,
      icon: Languages,
      title: LANGUAGE_NAMES[value],
      detail: t('language.label'),
      also: 'language english chinese 中文',
      run: () => {
        locale.value = value
      },
    })),
    {
      id: 'copy-address',
      group: 'action',
      icon: Copy,
      title: t('palette.copyAddress'),
      also: 'copy link url',
      run: () => void copyText(location.href),
    },
    {
      id: 'shortcuts',
      group: 'action',
      icon: Keyboard,
      title: t('shortcuts.title'),
      also: 'keyboard shortcuts help',
      keys: '?',
      run: () => {
        shortcutsOpen.value = true
      },
    },
    {
      id: 'log-out',
      group: 'action',
      icon: LogOut,
      title: t('action.logOut'),
      also: 'log out sign out logout',
      twice: true,
      run: () => void signOut.run(),
    },
  ]

  const visited = (visits: Visit[], here: string): Entry[] =>
    visits
      .filter(({ path }) => path !== here)
      .map(visit => ({
        id: `recent-${visit.path.replace(/[^\w-]/g, '_')}`,
        group: 'recent',
        icon: PAGE_ICONS[visit.section] ?? Globe,
        title: visit.title,
        detail: t(visit.kind),
        to: visit.path,
      }))

  const found = (hits: SearchHit[]): Entry[] =>
    hits.map(hit => ({
      id: `found-${hit.kind}-${hit.key.replace(/[^\w-]/g, '_')}`,
      group: 'found',
      icon: KIND_ICONS[hit.kind],
      title: hit.title,
      detail: [t(`palette.kind.${hit.kind}`), hit.detail].filter(Boolean).join(' · '),
      to: routeOf(hit),
    }))

  return { pages, documentation, deeds, visited, found }
}

function orderOf({ id }: Entry): number {
  const at = Object.keys(PAGE_ICONS).indexOf(id.replace('page-', ''))
  return at < 0 ? Number.MAX_SAFE_INTEGER : at
}

function routeOf({ kind, key }: SearchHit): RouteLocationRaw {
  switch (kind) {
    case 'app':
      return { name: 'app', params: { app: key } }
    case 'environment':
      return { name: 'environment', params: { environment: key } }
    case 'host':
      return { name: 'hosts', query: { search: key } }
    case 'forge':
      return { name: 'forge', params: { id: key } }
    case 'request':
    case 'deployment':
    case 'run':
    case 'change':
      return { name: kind, params: { id: key } }
    case 'person':
      return { name: 'settings-user', params: { name: key } }
    case 'group':
      return { name: 'settings-group', params: { name: key } }
  }
}
