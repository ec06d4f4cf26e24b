// What a reader chose for themselves in this browser: language and theme.
import { ref, watch } from 'vue'

export const LOCALES = ['en', 'zh-CN'] as const
export type Locale = (typeof LOCALES)[number]

export const THEMES = ['light', 'dark', 'system'] as const
export type Theme = (typeof THEMES)[number]

const LOCALE_KEY = 'davit.locale'
const THEME_KEY = 'davit.theme'

export const locale = ref<Locale>(stored(LOCALE_KEY, LOCALES) ?? preferredLocale(navigator.languages))
export const theme = ref<Theme>(stored(THEME_KEY, THEMES) ?? 'system')

/** Keeps the page in step with the choices, and the choices in the browser. Called once at start. */
export function applyPreferences() {
  const darkScheme = window.matchMedia('(prefers-color-scheme: dark)')
  const applyTheme = () => {
    const dark = theme.value === 'dark' || (theme.value === 'system' && darkScheme.matches)
    document.documentElement.classList.toggle('dark', dark)
  }
  darkScheme.addEventListener('change', applyTheme)
  watch(theme, applyTheme, { immediate: true })
  watch(
    locale,
    value => {
      document.documentElement.lang = value
    },
    { immediate: true },
  )
  watch(theme, value => store(THEME_KEY, value))
  watch(locale, value => store(LOCALE_KEY, value))
}

/** The first language of the browser that we speak, else English. */
export function preferredLocale(languages: readonly string[]): Locale {
  for (const language of languages) {
    if (/^zh\b/i.test(language)) return 'zh-CN'
    if (/^en\b/i.test(language)) return 'en'
  }
  return 'en'
}

function stored<T extends string>(key: string, allowed: readonly T[]): T | null {
  const value = read(key)
  return allowed.find(known => known === value) ?? null
}

// Storage throws where the browser forbids it; then the choice lasts as long as the page.
function read(key: string): string | null {
  try {
    return localStorage.getItem(key)
  } catch {
    return null
  }
}

function store(key: string, value: string) {
  try {
    localStorage.setItem(key, value)
  } catch {
    // Nothing to keep it in.
  }
}
