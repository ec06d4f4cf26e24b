// An error as three sentences for a person: what happened, why, and what to do.
import { useI18n } from 'vue-i18n'
import { ApiError, UNREACHABLE } from '@/api/client'
import { useServerWords } from '@/i18n/server-words'

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
  const { said } = useServerWords()
  return {
    /** Why it failed and what to do: the server's own sentence, which is the most exact; before one that stays English, ours. */
    reason(error: unknown): string {
      if (!(error instanceof ApiError)) return t('problem.unexpected')
      const code = known.find(name => name === error.code)
      const ours = code ? t(`problem.${code}`) : ''
      if (error.detail === '') return ours || t('problem.unexpected')
      const { text, known: translated } = said(error.detail)
      return locale.value === 'en' || translated || ours === '' ? text : `${ours} ${text}`
    },
  }
}
