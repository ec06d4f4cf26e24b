export interface ShortRef {
  kind: 'branch' | 'tag'
  name: string
}

/** A full git reference (`refs/heads/main`) as people say it; anything else is taken for a branch's name. */
export function shortRef(ref: string): ShortRef {
  if (ref.startsWith('refs/tags/')) return { kind: 'tag', name: ref.slice('refs/tags/'.length) }
  return { kind: 'branch', name: ref.replace(/^refs\/heads\//, '') }
}
