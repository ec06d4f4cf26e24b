// Alerts in people's words, and the page on which each can be mended.
import { useI18n } from 'vue-i18n'
import type { RouteLocationRaw } from 'vue-router'
import type { Alert } from '@/api/types'

const places: Record<string, RouteLocationRaw> = { forge_call: { name: 'outbox' } }

export function useAlerts() {
  const { t, te } = useI18n()
  return {
    /** A newer server may know kinds that have no words here: then its subject has to do. */
    titleOf: ({ kind, subject }: Alert) => (te(`alert.kind.${kind}`) ? t(`alert.kind.${kind}`) : subject),
    placeOf: ({ kind }: Alert): RouteLocationRaw => places[kind] ?? { name: 'forges' },
  }
}
