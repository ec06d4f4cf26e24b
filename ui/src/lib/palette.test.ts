// What the palette offers for what was typed, where somebody has been, and what keys ask for.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createApp, effectScope, h, ref } from 'vue'
import { createMemoryHistory, createRouter } from 'vue-router'
import { type Entry, matching, stepped } from './palette'
import { forgetVisits, useVisits, type Visit, withVisit } from './recent'
import { asksForPalette, type Command, type Press, shortcutReader, useShortcuts, isMac } from './shortcuts'

const icon = {}
const entry = (title: string, more: Partial<Entry> = {}): Entry => ({ id: title, group: 'page', icon, title, ...more })
const press = (key: string, more: Partial<Press> = {}): Press => ({
  key,
  ctrl: false,
  meta: false,
  alt: false,
  ...more,
})

describe('the palette', () => {
  const entries = [
    entry('Ghosts'),
    entry('Hosts'),
    entry('New release request'),
    entry('Requests'),
    entry('总览', { also: 'overview' }),
    entry('Users', { detail: 'Settings' }),
  ]
  const found = (text: string) => matching(entries, text).map(({ title }) => title)

  it('puts what begins so before what only holds it', () => {
    expect(found('host')).toEqual(['Hosts', 'Ghosts'])
    expect(found('request')).toEqual(['Requests', 'New release request'])
  })

  it('asks for every word, in any order and any place', () => {
    expect(found('request new')).toEqual(['New release request'])
    expect(found('settings user')).toEqual(['Users'])
    expect(found('hosts nowhere')).toEqual([])
  })

  it('knows initials and names of other languages', () => {
    expect(found('nrr')).toEqual(['New release request'])
    expect(found('overv')).toEqual(['总览'])
    expect(found('总')).toEqual(['总览'])
  })

  it('leaves everything in its order when nothing was typed', () => {
    expect(found(' ')).toEqual(entries.map(({ title }) => title))
  })

  it('goes round at both ends', () => {
    expect([stepped(3, 2, 1), stepped(3, 0, -1), stepped(3, 0, 1), stepped(0, 0, 1)]).toEqual([0, 2, 1, -1])
  })
})

describe('visits', () => {
  const visit = (path: string): Visit => ({ path, title: path, kind: 'app.title', section: 'apps' })

  beforeEach(() => localStorage.clear())

  it('are kept once, the last first, and not without end', () => {
    const many = Array.from({ length: 20 }, (_, n) => visit(`/apps/${n}`)).reduce<Visit[]>(withVisit, [])
    expect(many).toHaveLength(12)
    expect(
      withVisit(many, visit('/apps/15'))
        .map(({ path }) => path)
        .slice(0, 2),
    ).toEqual(['/apps/15', '/apps/19'])
  })

  it('are those of the account that is signed in', async () => {
    const component = { render: () => null }
    const router = createRouter({
      history: createMemoryHistory(),
      routes: [
        { path: '/', name: 'overview', component, meta: { title: 'nav.overview' } },
        { path: '/apps/:app', name: 'app', component, meta: { title: 'app.title', section: 'apps' } },
        { path: '/login', name: 'login', component, meta: { title: 'login.title', open: true } },
      ],
    })
    const user = ref<string | undefined>('ada')
    const scope = effectScope()
    const visits = scope.run(() => useVisits(router, user))
    await router.push('/apps/shop')
    document.title = 'Shop · davit'
    await router.push('/')
    expect(visits?.value).toEqual([{ path: '/apps/shop', title: 'Shop', kind: 'app.title', section: 'apps' }])

    user.value = 'bob'
    await Promise.resolve()
    expect(visits?.value).toEqual([])
    user.value = 'ada'
    await Promise.resolve()
    expect(visits?.value).toHaveLength(1)

    await router.push('/apps/web')
    forgetVisits()
    await router.push('/login')
    expect(localStorage.length).toBe(0)
    scope.stop()
  })

  it('that somebody put there by hand count for nothing', () => {
    localStorage.setItem(
      'davit.recent.ada',
      JSON.stringify([{ path: 'https://evil.example', title: 'x', kind: 'x', section: 'x' }, 7]),
    )
    const router = createRouter({ history: createMemoryHistory(), routes: [] })
    const scope = effectScope()
    expect(scope.run(() => useVisits(router, ref('ada')))?.value).toEqual([])
    scope.stop()
  })
})

describe('keys', () => {
  it('go to pages with a g and a letter, for a while', () => {
    const read = shortcutReader()
    expect(read(press('g'), 0)).toBeNull()
    expect(read(press('r'), 500)).toEqual({ do: 'go', name: 'requests' })
    expect(read(press('r'), 600)).toBeNull()
    expect(read(press('g'), 1_000)).toBeNull()
    expect(read(press('h'), 9_000)).toBeNull()
    expect(read(press('g'), 9_100)).toBeNull()
    expect(read(press('x'), 9_200)).toBeNull()
    expect(read(press('toString'), 9_200)).toBeNull()
  })

  it('leave what the browser and the system use alone', () => {
    const read = shortcutReader()
    expect(read(press('n', { ctrl: true }), 0)).toBeNull()
    expect(read(press('?', { alt: true }), 0)).toBeNull()
    expect(read(press('?'), 0)).toEqual({ do: 'sheet' })
    expect(read(press('/'), 0)).toEqual({ do: 'search' })
    expect(read(press('n'), 0)).toEqual({ do: 'new' })
  })

  it('open the palette with the key that commands have on the machine', () => {
    expect(asksForPalette(press('k', { ctrl: true }), false)).toBe(true)
    expect(asksForPalette(press('K', { ctrl: true }), false)).toBe(true)
    expect(asksForPalette(press('k', { meta: true }), false)).toBe(false)
    expect(asksForPalette(press('k', { meta: true }), true)).toBe(true)
    // It cuts to the end of the line there.
    expect(asksForPalette(press('k', { ctrl: true }), true)).toBe(false)
  })
})

describe('keys of the page', () => {
  const done: Command[] = []
  const place = { isAllTyping: false }
  const app = createApp({
    setup() {
      useShortcuts(
        command => done.push(command) > 0,
        () => place.isAllTyping,
      )
      return () => h('main')
    },
  })
  const type = (key: string, held = {}) => window.dispatchEvent(new KeyboardEvent('keydown', { key, ...held }))

  beforeEach(() => {
    done.length = 0
    place.isAllTyping = false
  })
  beforeAll(() => void app.mount(document.createElement('div')))
  afterAll(() => app.unmount())

  it('act where nobody types', () => {
    type('n')
    expect(done).toEqual([{ do: 'new' }])
  })

  it('leave single keys to a page that is a terminal, whether its shell answers or not', () => {
    place.isAllTyping = true
    for (const key of ['n', 'g', 'h', '?']) type(key)
    expect(done).toEqual([])
    type('k', isMac ? { metaKey: true } : { ctrlKey: true })
    expect(done).toEqual([{ do: 'palette' }])
  })

  it('leave what is behind an open dialog alone', () => {
    const dialog = document.createElement('dialog')
    dialog.getClientRects = () => [new DOMRect(0, 0, 10, 10)] as unknown as DOMRectList
    document.body.append(dialog)
    dialog.setAttribute('open', '')
    type('n')
    dialog.remove()
    expect(done).toEqual([])
  })
})
