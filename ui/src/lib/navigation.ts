// Where to go after a login.

/** The path a visitor wanted, if it is one of ours; never another host. */
export function localPath(next: unknown): string {
  return typeof next === 'string' && /^\/(?![/\\])/.test(next) ? next : '/'
}
