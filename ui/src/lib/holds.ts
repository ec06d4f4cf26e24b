// What keeps a change from being merged, in the reader's language, and as the list of all that has to be right.
import { useI18n } from 'vue-i18n'
import { type Change, HOLD_CODES, type Hold, type HoldCode, type MergePolicy } from '@/api/types'
import { useServerWords } from '@/i18n/server-words'

/** Everything that has to be right before a merge, and the holds that say that it is not. */
export const CONDITIONS = {
  asked: ['not_asked', 'closed', 'branch_not_allowed'],
  ready: ['draft'],
  labels: ['blocking_label'],
  reviews: ['changes_requested', 'approvals'],
  checks: ['no_checks', 'missing', 'red', 'pending'],
  mergeable: ['conflict', 'computing', 'refused'],
  queue: ['fork_not_approved', 'queued', 'failed'],
} as const satisfies Record<string, readonly HoldCode[]>

export type ConditionName = keyof typeof CONDITIONS

export interface Condition {
  name: ConditionName
  holds: Hold[]
}

/** In the order in which people take care of it. What a newer server holds a change for stands under the last one. */
export function conditionsOf(change: Change, policy: MergePolicy): Condition[] {
  const known: readonly string[] = HOLD_CODES
  const names = Object.keys(CONDITIONS) as ConditionName[]
  const conditions = names.map(name => ({
    name,
    holds: change.holds.filter(
      hold =>
        (CONDITIONS[name] as readonly string[]).includes(hold.code) ||
        (name === 'mergeable' && !known.includes(hold.code)),
    ),
  }))
  return conditions.filter(({ name, holds }) => name !== 'queue' || policy.queue || holds.length > 0)
}

export function useHolds() {
  const { t } = useI18n()
  const { inWords } = useServerWords()
  function sentence(hold: Hold): string {
    const known = HOLD_CODES.find(code => code === hold.code)
    if (!known) return inWords(hold.sentence)
    return t(`hold.${known}`, { ...hold, reason: inWords(hold.reason) }, hold.ahead ?? 1)
  }
  return {
    sentence,
    /** Why an open change is not merged, in one line. */
    line(change: Change, merges: boolean): string {
      if (!merges) return t('change.notHere')
      const [first] = change.holds
      if (!first) return t(change.ready ? 'change.merging' : 'change.judging')
      const more = change.holds.length - 1
      return more === 0 ? sentence(first) : `${sentence(first)} ${t('change.more', { n: more }, more)}`
    },
  }
}
