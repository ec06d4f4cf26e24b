// What the server says in the reader's language. The server speaks English; for others there is a catalogue of its
// sentences, which is loaded when the first of them is shown.
import { shallowRef } from 'vue'
import { locale } from '@/lib/preferences'
import { makeTranslate, type Said, type Translate } from '@/lib/server-words'

const translate = shallowRef<Translate>()
let loading: Promise<void> | undefined

export function useServerWords() {
  function said(text: string): Said {
    if (locale.value === 'en' || text === '') return { text, known: false }
    // Without it the sentences stay as they are, and the next one tries again.
    if (!translate.value) void startServerWords().catch(() => {})
    return translate.value?.(text) ?? { text, known: false }
  }
  /** The sentence as a page shows it; null and undefined are nothing said. */
  const inWords = (text: string | null | undefined) => said(text ?? '').text
  return {
    said,
    inWords,
    /** Mistakes with what is wrong as a page shows it. */
    toWords: <T extends { message: string }>(mistakes: readonly T[]): T[] =>
      mistakes.map(mistake => ({ ...mistake, message: inWords(mistake.message) })),
  }
}

/** Loads the catalogue, once. */
export function startServerWords(): Promise<void> {
  loading ??= load().catch(error => {
    loading = undefined
    throw error
  })
  return loading
}

async function load(): Promise<void> {
  const [{ default: sentences }, { default: more }, { default: messages }] = await Promise.all([
    import('./server.zh-CN.json'),
    import('./server-parts.zh-CN.json'),
    import('./zh-CN.json'),
  ])
  const { request, deployment, run, job, change } = messages.state
  const words = { ...more.words, ...request, ...deployment, ...run, ...job, ...change }
  translate.value = makeTranslate({ ...more.parts, ...sentences }, words)
}
