// What differs between a step on a host in two deployments.
import type { ComparedCell } from '@/api/types'

/** Less than this nobody notices. */
const NOTICED_MS = 1_000

export function outcomeDiffers({ before, now }: ComparedCell): boolean {
  return before?.state !== now?.state
}

/** Half as long again as before, or more. */
export function isSlower({ before, now }: ComparedCell): boolean {
  const [was, is] = [before?.took, now?.took]
  if (was === undefined || was === null || is === undefined || is === null) return false
  return is - was >= NOTICED_MS && is >= was * 1.5
}
