// What the palette asks the server for.
import { useQuery } from '@tanstack/vue-query'
import { computed, type MaybeRefOrGetter, toValue } from 'vue'
import { api } from './endpoints'

/** What the server finds for a text; nothing is asked before there is one. */
export const useSearch = (q: MaybeRefOrGetter<string>) =>
  useQuery({
    queryKey: ['search', computed(() => toValue(q))],
    queryFn: ({ signal }) => api.search(toValue(q), signal),
    enabled: () => toValue(q) !== '',
    staleTime: 5_000,
    placeholderData: previous => previous,
  })
