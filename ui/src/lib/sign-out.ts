// Ends the session of this browser, and what it kept of the person.
import { useQueryClient } from '@tanstack/vue-query'
import { useRouter } from 'vue-router'
import { api } from '@/api/endpoints'
import { useAction } from './action'
import { forgetDrafts } from './draft'
import { forgetVisits } from './recent'

export function useSignOut() {
  const router = useRouter()
  const queryClient = useQueryClient()
  return useAction(async () => {
    await api.logOut()
    forgetVisits()
    forgetDrafts()
    queryClient.clear()
    await router.push({ name: 'login' })
  })
}
