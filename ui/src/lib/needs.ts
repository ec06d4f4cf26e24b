// What davit does with a repository, in the reader's language: the server says it in English alone.
import { useI18n } from 'vue-i18n'

export const NEEDS = {
  'read the code': 'read',
  'set commit statuses': 'statuses',
  'see commit statuses': 'seeStatuses',
  'set check runs': 'checkRuns',
  'report deployments': 'deployments',
  'set its webhook': 'hook',
  'set its webhook and ask for what that missed': 'hooks',
  'see pull requests': 'changes',
  'see merge requests': 'mergeRequests',
  'see checks': 'checks',
  'see pipelines': 'pipelines',
} as const

export function useNeeds() {
  const { t } = useI18n()
  return {
    /** A newer server may do things that have no words here: then its own have to do. */
    nameOf(what: string): string {
      return Object.hasOwn(NEEDS, what) ? t(`need.${NEEDS[what as keyof typeof NEEDS]}`) : what
    },
  }
}
