// What is live where, and what needs a person.
import type { Timestamp } from './common'
import type { DeploymentSummary, Live } from './deployments'
import type { Environment } from './environments'
import type { ReleaseRequest } from './requests'

export interface MatrixCell {
  environment: string
  live: Live | null
  last: DeploymentSummary | null
  health: CellHealth
  /** The newest commit of what it follows, when another one is live. */
  newest: NewestCommit | null
}

/** How the hosts of an app in an environment are, as far as davit knows without asking them. */
export interface CellHealth {
  hosts: number
  /** Serve another release than the newest one, or none. */
  behind: number
  /** Could not be logged in to. */
  down: number
  /** Serve something that davit did not put there. */
  differing: number
  asked_at: Timestamp | null
}

export interface NewestCommit {
  /** A branch or tag. */
  reference: string
  commit: string
  at: Timestamp
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
