// A text somebody is working on, kept in the tab until it is applied or thrown away: a reload, an expired session
// or a wrong click must not cost it.
import { ref, watch } from 'vue'

/** What the keys of drafts begin with. */
const PREFIX = 'davit.'

export function useDraft(key: string) {
  const draft = ref<string | null>(read(key))
  watch(draft, value => write(key, value))
  return draft
}

/** Throws away all drafts of this tab: whoever signs in next need not read them. */
export function forgetDrafts() {
  try {
    for (const key of Object.keys(sessionStorage)) if (key.startsWith(PREFIX)) sessionStorage.removeItem(key)
  } catch {
    // Storage is forbidden: nothing was kept.
  }
}

function read(key: string): string | null {
  try {
    return sessionStorage.getItem(key)
  } catch {
    return null
  }
}

function write(key: string, value: string | null) {
  try {
    if (value === null) sessionStorage.removeItem(key)
    else sessionStorage.setItem(key, value)
  } catch {
    // Storage is forbidden or full: the draft lives as long as the page.
  }
}
