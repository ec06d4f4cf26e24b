// Values and secrets that deployments run with, from everywhere down to one app in one environment.
import type { Schemas } from './schemas'

export const VALUE_KINDS = ['plain', 'secret', 'env', 'file'] as const
export type ValueKind = (typeof VALUE_KINDS)[number]

export const VALUE_LEVELS = ['global', 'app', 'environment'] as const
export type ValueLevel = (typeof VALUE_LEVELS)[number]

/** Where values hold: everywhere, in one app, or in one app's environment. */
export interface ValueScope {
  app?: string
  environment?: string
}

export type ValueItem = Schemas['ValueView']
export type Values = Schemas['ValuesView']
export type ValuesChange = Schemas['ValuesBody']

export const VALUE_CHANGES = ['set', 'changed', 'removed'] as const
export type ValueChangeKind = (typeof VALUE_CHANGES)[number]
export type ValueChange = Schemas['ValueChangeView']
export type ValuesRevision = Schemas['ValuesRevisionView']
