// Finding things by words or numbers.
import { call } from '../client'
import type { Page, SearchHit } from '../types'

export const searchCalls = {
  search: (q: string, signal?: AbortSignal) => call<Page<SearchHit>>('GET', '/search', { query: { q }, signal }),
}
