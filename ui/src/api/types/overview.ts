// What is live where, and what needs a person.
import type { Schemas } from './schemas'

export type MatrixCell = Schemas['OverviewCell']
export type CellHealth = Schemas['CellHealth']
export type NewestCommit = Schemas['NewestView']
export type OverviewApp = Schemas['AppRow']
export type Overview = Schemas['Overview']

/** What the pages have words for; a newer server may send others. */
export const ALERT_KINDS = ['forge_call', 'channel', 'host_down', 'feed_altered'] as const
export type AlertKind = (typeof ALERT_KINDS)[number]
/** Something that a person has to look at, until it is mended. */
export type Alert = Schemas['AlertView']
