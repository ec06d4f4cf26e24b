export interface ShortRef {
  kind: 'branch' | 'tag'
  name: string
}

/** A full git reference (`refs/heads/main`) as people say it; anything else is taken for a branch's name. */
export function shortRef(ref: string): ShortRef {
  if (ref.startsWith('refs/tags/')) return { kind: 'tag', name: ref.slice('refs/tags/'.length) }
  return { kind: 'branch', name: ref.replace(/^refs\/heads\//, '') }
}

/** A branch or tag; nothing for what forges name otherwise (`refs/pull/7/head`), which its change says better. */
export function branchOrTag(ref: string | null): string | null {
  return ref && /^refs\/(heads|tags)\//.test(ref) ? ref : null
}
