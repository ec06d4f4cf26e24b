// Messages of both languages and the helpers that format with them.
import { computed, watch } from 'vue'
import { createI18n, useI18n } from 'vue-i18n'
import { formatSize } from '@/lib/size'
import { durationParts, formatAge, formatMoment, formatSpan, formatWait } from '@/lib/time'
import { locale } from '@/lib/preferences'
import en from './en.json'
import zhCN from './zh-CN.json'

export const i18n = createI18n({
  legacy: false,
  locale: locale.value,
  fallbackLocale: 'en',
  messages: { en, 'zh-CN': zhCN },
})

watch(locale, value => {
  i18n.global.locale.value = value
})

export function useFormats() {
  const { t, locale: current } = useI18n()
  return {
    age: (at: string, now: number) => formatAge(at, now, current.value),
    wait: (at: string, now: number) => formatWait(at, now, current.value),
    moment: (at: string) => formatMoment(at, current.value),
    duration(start: string, end: string | null, now: number): string {
      const { hours, minutes, seconds } = durationParts(start, end, now)
      if (hours > 0) return t('duration.hours', { hours, minutes })
      if (minutes > 0) return t('duration.minutes', { minutes, seconds })
      return t('duration.seconds', { seconds })
    },
    /** A round length of time, as an axis is marked: "2m". */
    span: (seconds: number) => formatSpan(seconds, current.value),
    /** Bytes as people say them: "1.8 MB". */
    size: (bytes: number) => formatSize(bytes, current.value),
    /** Names in a sentence: "a, b and c". */
    list: computed(() => new Intl.ListFormat(current.value, { type: 'conjunction' })),
  }
}
