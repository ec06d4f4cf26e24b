// Alerts in people's words, and the page on which each can be mended.
import { useI18n } from 'vue-i18n'
import type { RouteLocationRaw } from 'vue-router'
import { ALERT_KINDS, type Alert, type AlertKind } from '@/api/types'

const places: Record<AlertKind, (subject: string) => RouteLocationRaw> = {
  forge_call: () => ({ name: 'outbox' }),
  channel: () => ({ name: 'outbox' }),
  host_down: host => ({ name: 'hosts', hash: `#${host}` }),
  feed_altered: () => ({ name: 'feed' }),
}

const known = ({ kind }: Alert) => ALERT_KINDS.find(name => name === kind)

/** Where to go for an alert; for one of a kind that a newer server has, where all of them are. */
export function placeOf(alert: Alert): RouteLocationRaw {
  const kind = known(alert)
  return kind ? places[kind](alert.subject) : { name: 'overview' }
}

export function useAlerts() {
  const { t } = useI18n()
  return {
    /** A newer server may know kinds that have no words here: then its subject has to do. */
    titleOf(alert: Alert): string {
      const kind = known(alert)
      return kind ? t(`alert.kind.${kind}`, { subject: alert.subject }) : alert.subject
    },
    placeOf,
  }
}
