// Keys that work on every page: Ctrl-K (Cmd-K) opens the palette, and, where nobody is typing, single keys and `g`
// followed by a letter lead to pages. Single keys can be switched off: they get in the way of speech input.
import { onBeforeUnmount, onMounted, ref, watch } from 'vue'

/** Where `g` and a letter lead, by the names of routes. */
export const GO_TO = {
  o: 'overview',
  r: 'requests',
  d: 'deployments',
  a: 'apps',
  h: 'hosts',
  e: 'environments',
  c: 'changes',
  u: 'runs',
  f: 'feed',
  s: 'settings',
} as const satisfies Record<string, string>

export type Command =
  | { do: 'palette' | 'sheet' | 'search' | 'new' }
  /** To the page of this route. */
  | { do: 'go'; name: string }

/** How long after `g` its letter still counts. */
const PATIENCE_MS = 1_500
const KEY = 'davit.singleKeys'

export const singleKeys = ref(read())
watch(singleKeys, write)

export const isMac = /Mac|iPhone|iPad/.test(navigator.platform)

/** The keys of the palette, as they are written on them. */
export const paletteKeys = isMac ? '⌘ K' : 'Ctrl K'

/** The part of a key press that counts. */
export interface Press {
  key: string
  ctrl: boolean
  meta: boolean
  alt: boolean
}

/** Reads presses one after another; `now` in milliseconds. */
export function shortcutReader() {
  let waitsSince = Number.NEGATIVE_INFINITY
  return (press: Press, now: number): Command | null => {
    const waited = now - waitsSince <= PATIENCE_MS
    waitsSince = Number.NEGATIVE_INFINITY
    if (press.ctrl || press.meta || press.alt) return null
    if (waited) return isLetter(press.key) ? { do: 'go', name: GO_TO[press.key] } : null
    switch (press.key) {
      case '?':
        return { do: 'sheet' }
      case '/':
        return { do: 'search' }
      case 'n':
        return { do: 'new' }
      case 'g':
        waitsSince = now
        return null
      default:
        return null
    }
  }
}

/** Whether a press asks for the palette. */
export function asksForPalette(press: Press, mac = isMac): boolean {
  const held = mac ? press.meta && !press.ctrl : press.ctrl && !press.meta
  return held && !press.alt && press.key.toLowerCase() === 'k'
}

/**
 * Tells `act` what the keys ask for, for as long as the component lives; no single keys where `isAllTyping`, as on a
 * terminal's page even before its shell answers.
 */
export function useShortcuts(act: (command: Command) => boolean, isAllTyping: () => boolean) {
  const reader = shortcutReader()
  function listen(event: KeyboardEvent) {
    if (event.defaultPrevented || event.isComposing || event.repeat) return
    const press = { key: event.key, ctrl: event.ctrlKey, meta: event.metaKey, alt: event.altKey }
    const command = asksForPalette(press) ? { do: 'palette' as const } : singleKey(event, press)
    if (command && !belongsToShell(event) && act(command)) event.preventDefault()
  }
  function singleKey(event: KeyboardEvent, press: Press): Command | null {
    if (!singleKeys.value || isAllTyping() || isTyping(event) || hasDialog()) return null
    return reader(press, event.timeStamp)
  }
  onMounted(() => window.addEventListener('keydown', listen))
  onBeforeUnmount(() => window.removeEventListener('keydown', listen))
}

/** Puts the cursor in the first search of the page; false when it has none. */
export function focusSearch(): boolean {
  const field = document.querySelector<HTMLElement>(
    'main [data-testid="search"] input, main input[data-testid="search"]',
  )
  field?.focus()
  return field !== null
}

function isLetter(key: string): key is keyof typeof GO_TO {
  return Object.hasOwn(GO_TO, key)
}

function isTyping(event: KeyboardEvent): boolean {
  const target = event.target
  if (!(target instanceof HTMLElement)) return false
  if (target instanceof HTMLInputElement) return !/^(radio|checkbox|button|submit)$/.test(target.type)
  return target.isContentEditable || /^(TEXTAREA|SELECT)$/.test(target.tagName)
}

/** A shell takes every key but Mac's own: Ctrl-K cuts a line there. */
function belongsToShell(event: KeyboardEvent): boolean {
  return !event.metaKey && event.target instanceof Element && event.target.closest('.xterm') !== null
}

/** Behind a dialog, nothing can be reached. */
function hasDialog(): boolean {
  return [...document.querySelectorAll<HTMLElement>('[role="dialog"], [role="alertdialog"], dialog[open]')].some(
    dialog => dialog.offsetParent !== null || dialog.getClientRects().length > 0,
  )
}

// Storage throws where the browser forbids it; then the choice lasts as long as the page.
function read(): boolean {
  try {
    return localStorage.getItem(KEY) !== 'off'
  } catch {
    return true
  }
}

function write(on: boolean) {
  try {
    localStorage.setItem(KEY, on ? 'on' : 'off')
  } catch {
    // Nothing to keep it in.
  }
}
