// A text somebody is working on, kept in the tab until it is applied or thrown away: a reload, an expired session
// or a wrong click must not cost it.
import { ref, watch } from 'vue'

export function useDraft(key: string) {
  const draft = ref<string | null>(read(key))
  watch(draft, value => write(key, value))
  return draft
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
