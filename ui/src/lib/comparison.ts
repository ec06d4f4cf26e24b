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

/** Milliseconds as people compare them: "0.3 s", "12 s", "2 min 5 s". */
export function tookText(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  if (ms < 10_000) return `${(ms / 1_000).toFixed(1)} s`
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
