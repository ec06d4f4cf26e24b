// Filters of a list kept in the address, so that a filtered list can be linked to and survives a reload.
import { computed, type WritableComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

/** One filter as a text; empty means all. */
export function useAddressFilter(name: string): WritableComputedRef<string> {
  const route = useRoute()
  const router = useRouter()
  return computed({
    get: () => (typeof route.query[name] === 'string' ? route.query[name] : ''),
    set: value => {
      const query = { ...route.query }
      if (value) query[name] = value
      else delete query[name]
      void router.replace({ query, hash: route.hash })
    },
  })
}
