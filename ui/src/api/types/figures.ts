// How fast and how safely changes go live.
import type { Schemas } from './schemas'

export type Spread = Schemas['SpreadView']
export type Figures = Schemas['FiguresView']
export type DeliveryFigures = Schemas['DeliveryFigures']

export interface FiguresFilter {
  days: number
  app?: string
  environment?: string
  /** An IANA time zone: whose days. */
  timezone: string
}
