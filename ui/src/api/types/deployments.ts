// Attempts to release something: states, hosts, steps and what they wrote.
import type { Schemas } from './schemas'

export const DEPLOYMENT_STATES = [
  'queued',
  'building',
  'staging',
  'switching',
  'verifying',
  'paused',
  'succeeded',
  'failed',
  'reverting',
  'reverted',
  'cancelled',
  'superseded',
] as const
export type DeploymentState = (typeof DEPLOYMENT_STATES)[number]

export const HOST_RUN_STATES = [
  'waiting',
  'staging',
  'staged',
  'switching',
  'live',
  'verifying',
  'done',
  'failed',
  'held',
  'reverted',
  'skipped',
  'cancelled',
  'unknown',
] as const
export type HostRunState = (typeof HOST_RUN_STATES)[number]

export const CELL_STATES = ['waiting', 'running', 'succeeded', 'failed', 'skipped', 'cancelled'] as const
export type CellState = (typeof CELL_STATES)[number]

export const REQUEST_KINDS = ['regular', 'rollback', 'auto'] as const
export type RequestKind = (typeof REQUEST_KINDS)[number]

/** confirm: a person lets the next batch go; until: the clock does; held: hosts failed and a person decides. */
export type PauseKind = Schemas['PauseKind']

export type Live = Schemas['LiveView']
export type Pause = Schemas['PauseView']
export type DeploymentSummary = Schemas['DeploymentSummary']
export type Deployment = Schemas['DeploymentFull']
export type HostRun = Schemas['HostRunView']
export type DeploymentStep = Schemas['StepView']
export type StepCell = Schemas['CellView']

export type LogStream = Schemas['LogStream']

/** A line of a deployment's log; the document says only that it is an object. */
export interface LogLine {
  seq: number
  /** RFC 3339. */
  at: string
  /** null: the server. */
  host: string | null
  step: number
  stream: LogStream
  text: string
}
