// A form kept in the tab while somebody fills it in, so that a reload or an expired session costs nothing.
import { reactive, watch } from 'vue'
import { useDraft } from './draft'

export interface FormDraft<T> {
  form: T
  /** Whether what is there was typed, not only given. */
  touched: () => boolean
  /** Starts over with `value`, or with what the form began with. */
  reset: (value?: T) => void
}

/** `initial` is what the form begins with; keys that a kept draft does not know keep their initial value. */
export function useFormDraft<T extends object>(key: string, initial: T): FormDraft<T> {
  const kept = useDraft(key)
  let start = JSON.stringify(initial)
  const form = reactive({ ...(JSON.parse(start) as T), ...parsed<T>(kept.value) }) as T
  const touched = () => JSON.stringify(form) !== start
  watch(
    form,
    () => {
      kept.value = touched() ? JSON.stringify(form) : null
    },
    { deep: true, flush: 'sync' },
  )
  return {
    form,
    touched,
    reset(value) {
      if (value) start = JSON.stringify(value)
      const fresh = JSON.parse(start) as T
      for (const name of Object.keys(form)) if (!(name in fresh)) delete form[name as keyof T]
      Object.assign(form, fresh)
      kept.value = null
    },
  }
}

function parsed<T>(text: string | null): Partial<T> {
  if (text === null) return {}
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Partial<T>) : {}
  } catch {
    return {}
  }
}
