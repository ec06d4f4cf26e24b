// Apps, how they are released, and what can be or is released.
import type { Schemas } from './schemas'

export type AppRepository = Schemas['RepositoryView']
export type AppSummary = Schemas['AppItem']
export type AppDetail = Schemas['AppFull']

/** Scripts of a release config, by when they run. */
export interface Hooks {
  before_checkout?: string | null
  after_checkout?: string | null
  before_release?: string | null
  after_release?: string | null
}

/** Paths that are left out of a release, or the only ones in it. */
export interface PathFilter {
  mode: string
  patterns: string[]
}

/** What all releases of an app have in common on a host. */
export interface SharedPaths {
  dirs: string[]
  files: string[]
}

export type ActionPlace = Schemas['ActionPlace']
export type ReleaseMode = Schemas['ReleaseMode']
export type ReleaseInput = Schemas['InputView']
export type ReleaseAction = Schemas['ActionView']
export type ReleaseConfig = Schemas['ConfigView']

export type BuildSource = Schemas['BuildSource']
export type Build = Schemas['BuildView']
export type KeptRelease = Schemas['ReleaseView']
export type GitRef = Schemas['RefView']
export type GitRefs = Schemas['Refs']

export const LIVE_VERDICTS = ['ok', 'drift', 'unreachable', 'unknown'] as const
export type LiveVerdict = (typeof LIVE_VERDICTS)[number]
export type LiveCheck = Schemas['LiveCheckView']
