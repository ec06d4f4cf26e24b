// Ends the session of this browser, and what it kept of the person.
import { useQueryClient } from '@tanstack/vue-query'
import { useRouter } from 'vue-router'
import { api } from '@/api/endpoints'
import { useSession } from '@/api/queries'
import { useAction } from './action'
import { forgetDrafts } from './draft'
import { forgetVisits } from './recent'

export function useSignOut() {
  const router = useRouter()
  const queryClient = useQueryClient()
  const session = useSession()
  return useAction(async () => {
    const name = session.data.value?.user.name
    await api.logOut()
    if (name !== undefined) forgetVisits(name)
    forgetDrafts()
    queryClient.clear()
    await router.push({ name: 'login' })
  })
}
