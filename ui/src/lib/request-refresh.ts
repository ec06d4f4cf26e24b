// After a person decided about a request: what shows requests loads again.
import { useQueryClient } from '@tanstack/vue-query'
import { keysOf } from '@/api/queries'

export function useRequestRefresh() {
  const queryClient = useQueryClient()
  return async function refresh() {
    await Promise.all(keysOf('request').map(key => queryClient.invalidateQueries({ queryKey: [key] })))
  }
}
