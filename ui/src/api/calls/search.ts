// Finding things by words or numbers.
import { call } from '../client'

export const searchCalls = {
  search: (q: string, signal?: AbortSignal) => call('GET', '/search', { query: { q }, signal }),
}
