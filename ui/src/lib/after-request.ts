// What happens after a release request was made: it either runs already, or waits for people.
import { useQueryClient } from '@tanstack/vue-query'
import { useI18n } from 'vue-i18n'
import { useRouter } from 'vue-router'
import { keysOf } from '@/api/queries'
import type { ReleaseRequest } from '@/api/types'
import { confirmDone } from './notify'

export function useAfterRequest() {
  const { t } = useI18n()
  const router = useRouter()
  const queryClient = useQueryClient()
  return async function show(request: ReleaseRequest) {
    for (const key of keysOf('deployment')) void queryClient.invalidateQueries({ queryKey: [key] })
    if (request.deployment) {
      await router.push({ name: 'deployment', params: { id: request.deployment } })
      return
    }
    confirmDone(t(request.state === 'awaiting_review' ? 'request.made.review' : 'request.made.release'))
    await router.push({ name: 'request', params: { id: request.id } })
  }
}
