// Where to go: after a login, and from the main navigation.
import type { Action } from './access'

/** The path a visitor wanted, if it is one of ours; never another host. */
export function localPath(next: unknown): string {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/'
}

/** Pages that are empty or refused for whoever may not see everything, and for whoever sees nothing at all. */
const NEEDS_EVERYTHING = ['outbox', 'configuration']
const NEEDS_SOMETHING = ['requests', 'feed']

/** Whether there is anything for a person behind an entry of the navigation. */
export function leadsSomewhere(
  name: string,
  { may, mayAnywhere }: { may: (action: Action) => boolean; mayAnywhere: (action: Action) => boolean },
): boolean {
  if (NEEDS_EVERYTHING.includes(name)) return may('see')
  return !NEEDS_SOMETHING.includes(name) || mayAnywhere('see')
}
