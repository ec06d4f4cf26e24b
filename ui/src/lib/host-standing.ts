// How a host stands, for people: as its last check found it.
import { useI18n } from 'vue-i18n'
import type { Host, HostCheck } from '@/api/types'
import type { Tone } from './state'

export interface Standing {
  tone: Tone
  label: string
  detail: string
}

export function useHostStanding() {
  const { t } = useI18n()
  return ({ check }: Host): Standing =>
    check
      ? { tone: toneOf(check), label: t(`hosts.code.${check.code}`), detail: check.ok ? '' : check.detail }
      : { tone: 'wait', label: t('hosts.never'), detail: '' }
}

/** The check that found a key a person has to look at. */
export function keyQuestion({ check }: Host): HostCheck | null {
  if (!check?.fingerprint) return null
  return check.code === 'host_key_unknown' || check.code === 'host_key_changed' ? check : null
}

function toneOf(check: HostCheck): Tone {
  if (check.ok) return 'ok'
  return check.code === 'host_key_unknown' ? 'ask' : 'fail'
}
