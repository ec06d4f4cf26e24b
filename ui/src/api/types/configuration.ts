// davit.toml, and what applying it would change.
import type { Schemas } from './schemas'

export const PLAN_ACTIONS = ['create', 'update', 'delete', 'unchanged'] as const
export type PlanAction = (typeof PLAN_ACTIONS)[number]

export const PLAN_KINDS = [
  'forge',
  'environment',
  'host',
  'app',
  'release',
  'channel',
  'repository',
  'identity',
] as const
export type PlanKind = (typeof PLAN_KINDS)[number]

export interface PlanItem {
  action: PlanAction
  kind: PlanKind
  name: string
  changes: string[]
}

export type ApplyBody = Schemas['ApplyBody']
export type ApplyResult = Schemas['Applied']
