// An error as three sentences for a person: what happened, why, and what to do.
import { useI18n } from 'vue-i18n'
import { ApiError, UNREACHABLE } from '@/api/client'

const known = [
  UNREACHABLE,
  'unauthenticated',
  'denied',
  'not_found',
  'conflict',
  'changed',
  'rate_limited',
  'internal',
] as const

export function useProblem() {
  const { t, locale } = useI18n()
  return {
    /** Why it failed and what to do. The server's own sentence is the most exact, but it is always English. */
    reason(error: unknown): string {
      if (!(error instanceof ApiError)) return t('problem.unexpected')
      const code = known.find(name => name === error.code)
      const ours = code ? t(`problem.${code}`) : ''
      if (error.detail === '') return ours || t('problem.unexpected')
      return locale.value === 'en' || ours === '' ? error.detail : `${ours} ${error.detail}`
    },
  }
}
