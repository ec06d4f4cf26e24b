// The messages of the reader's language, and the helpers that format with them. A language is loaded when it is first
// chosen, so nobody waits for the one they don't read.
import { computed, watch } from 'vue'
import { createI18n, useI18n } from 'vue-i18n'
import { type Locale, locale } from '@/lib/preferences'
import { formatSize } from '@/lib/size'
import { durationParts, formatAge, formatMoment, formatSpan, formatWait } from '@/lib/time'

export const i18n = createI18n({ legacy: false, locale: locale.value, fallbackLocale: false, messages: {} })

const files = { en: () => import('./en.json'), 'zh-CN': () => import('./zh-CN.json') }
const loaded = new Set<Locale>()

/** Loads the reader's language, and from then on any other one they choose. */
export async function startLanguage(): Promise<void> {
  await use(locale.value)
  watch(locale, value => void use(value))
}

async function use(name: Locale): Promise<void> {
  if (!loaded.has(name)) {
    const { default: messages } = await files[name]()
    i18n.global.setLocaleMessage(name, messages)
    loaded.add(name)
  }
  // Another one may have been chosen meanwhile.
  if (locale.value === name) i18n.global.locale.value = name
}

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
