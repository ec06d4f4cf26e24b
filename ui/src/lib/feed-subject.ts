// What a feed entry is about, as a page of ours where there is one.
import type { RouteLocationRaw } from 'vue-router'

const NUMBERED: Record<string, string> = {
  request: 'request',
  deployment: 'deployment',
  run: 'run',
  change: 'change',
  delivery: 'delivery',
  terminal: 'terminal',
}

/** "request 12" is the page of that request; null for what has no page. */
export function placeOfSubject(subject: string): RouteLocationRaw | null {
  const [, kind = '', id] = /^([a-z]+) (\d+)$/.exec(subject) ?? []
  return Object.hasOwn(NUMBERED, kind) ? { name: NUMBERED[kind], params: { id } } : null
}
