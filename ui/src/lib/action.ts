// A write a person started: runs once at a time and keeps its error for the form that shows it.
import { type Ref, ref, shallowRef } from 'vue'

export interface Action<Args extends unknown[], Result> {
  pending: Ref<boolean>
  error: Ref<unknown>
  /** The result, or undefined when it failed (see `error`) or is already under way. */
  run: (...args: Args) => Promise<Result | undefined>
  reset: () => void
}

export function useAction<Args extends unknown[], Result>(
  work: (...args: Args) => Promise<Result>,
): Action<Args, Result> {
  const pending = ref(false)
  const error = shallowRef<unknown>(null)
  async function run(...args: Args): Promise<Result | undefined> {
    if (pending.value) return undefined
    pending.value = true
    error.value = null
    try {
      return await work(...args)
    } catch (failure) {
      error.value = failure
      return undefined
    } finally {
      pending.value = false
    }
  }
  return {
    pending,
    error,
    run,
    reset() {
      error.value = null
    },
  }
}
