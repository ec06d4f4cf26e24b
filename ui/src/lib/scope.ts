// Where a grant holds, as the server writes it: `all`, `environment:K`, `app:K`, `app:K@ENV`, `label:L`.

export const SCOPE_KINDS = ['all', 'environment', 'app', 'label'] as const
export type ScopeKind = (typeof SCOPE_KINDS)[number]

export interface ScopeParts {
  kind: ScopeKind
  app: string
  environment: string
  label: string
}

/** The parts of a scope; null for one that this version does not know. */
export function parseScope(text: string): ScopeParts | null {
  const colon = text.indexOf(':')
  const kind = SCOPE_KINDS.find(known => known === (colon < 0 ? text : text.slice(0, colon)))
  const name = colon < 0 ? '' : text.slice(colon + 1)
  if (!kind || (kind === 'all') !== (name === '')) return null
  const parts: ScopeParts = { kind, app: '', environment: '', label: '' }
  if (kind === 'app') {
    const at = name.indexOf('@')
    return { ...parts, app: at < 0 ? name : name.slice(0, at), environment: at < 0 ? '' : name.slice(at + 1) }
  }
  if (kind === 'environment') return { ...parts, environment: name }
  return { ...parts, label: name }
}

/** The scope as the server writes it; null while a part of it is missing. */
export function formatScope({ kind, app, environment, label }: ScopeParts): string | null {
  switch (kind) {
    case 'all':
      return 'all'
    case 'environment':
      return environment ? `environment:${environment}` : null
    case 'app':
      return app ? `app:${app}${environment ? `@${environment}` : ''}` : null
    case 'label':
      return label.trim() ? `label:${label.trim()}` : null
  }
}
