// What is live where, and what needs a person.
import type { Timestamp } from './common'
import type { DeploymentSummary, Live } from './deployments'
import type { Environment } from './environments'
import type { ReleaseRequest } from './requests'

export interface MatrixCell {
  environment: string
  live: Live | null
  last: DeploymentSummary | null
}

export interface OverviewApp {
  key: string
  name: string
  cells: MatrixCell[]
}

export interface Overview {
  environments: Environment[]
  apps: OverviewApp[]
  running: DeploymentSummary[]
  waiting: ReleaseRequest[]
  hosts: number
  forges: number
  alerts: Alert[]
}

/** What the server has words for; a newer server may send others. */
export const ALERT_KINDS = ['forge_call'] as const

/** Something that a person has to look at, until it is mended. */
export interface Alert {
  id: number
  kind: string
  /** What it is about. */
  subject: string
  detail: string
  since: Timestamp
  ended_at: Timestamp | null
}
