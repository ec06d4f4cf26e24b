// The steps of a deployment as people count and name them.
import type { DeploymentStep } from '@/api/types'

/** Steps above are the actions of a custom release config. */
const LAST_REGULAR_STEP = 6
const BEFORE_ACTIONS = 10

/** Actions are counted from 1, as in their configuration. */
export function numberOf(step: number): number {
  return step > LAST_REGULAR_STEP ? step - BEFORE_ACTIONS : step
}

/** The six of a regular release have names in every language; actions are named by their author. */
export function titleOf({ number, title }: DeploymentStep, t: (key: string) => string): string {
  return number > LAST_REGULAR_STEP ? title : t(`step.${number}`)
}
