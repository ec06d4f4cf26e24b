// Asks the server about a form while it is filled in: when the typing pauses, and never about what is old already.
import { onScopeDispose, type Ref, ref, shallowRef, watch } from 'vue'
import { api } from '@/api/endpoints'
import type { ConfigCheck, ConfigForm } from '@/api/types'
import { useProblem } from './problem'

const PAUSE_MS = 600

export interface CheckedForm {
  app: string
  environment: string
  form: ConfigForm
}

export function useConfigCheck(of: () => CheckedForm): {
  result: Readonly<Ref<ConfigCheck | null>>
  pending: Readonly<Ref<boolean>>
  failed: Readonly<Ref<string>>
} {
  const { reason } = useProblem()
  const result = shallowRef<ConfigCheck | null>(null)
  const pending = ref(false)
  const failed = ref('')
  let timer: ReturnType<typeof setTimeout> | undefined
  let running: AbortController | undefined

  async function ask() {
    const mine = new AbortController()
    running = mine
    const { app, environment, form } = of()
    try {
      result.value = await api.checkConfig(app, environment, form, mine.signal)
      failed.value = ''
    } catch (error) {
      if (running === mine) failed.value = reason(error)
    } finally {
      if (running === mine) pending.value = false
    }
  }

  watch(
    () => JSON.stringify(of().form),
    () => {
      running?.abort()
      running = undefined
      pending.value = true
      clearTimeout(timer)
      timer = setTimeout(() => void ask(), PAUSE_MS)
    },
    { immediate: true },
  )
  onScopeDispose(() => {
    clearTimeout(timer)
    running?.abort()
  })
  return { result, pending, failed }
}
