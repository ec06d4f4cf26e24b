// davit.toml, and what applying it would change.

export const PLAN_ACTIONS = ['create', 'update', 'delete', 'unchanged'] as const
export type PlanAction = (typeof PLAN_ACTIONS)[number]

export const PLAN_KINDS = ['forge', 'environment', 'host', 'app', 'release', 'channel', 'repository'] as const
export type PlanKind = (typeof PLAN_KINDS)[number]

export interface PlanItem {
  action: PlanAction
  kind: PlanKind
  name: string
  changes: string[]
}

export interface ApplyBody {
  document: string
  /** `env:NAME` or `file:PATH` to the value the document refers to. */
  values: Record<string, string>
  dry_run: boolean
  prune: boolean
}

export interface ApplyResult {
  plan: PlanItem[]
  applied: boolean
}
