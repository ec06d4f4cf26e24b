// What the pages have read, kept for all of them. Changes arrive by SSE (events.ts), so nothing polls and nothing goes
// stale by the clock alone: what an answer missed must be asked for again.
import { QueryClient } from '@tanstack/vue-query'
import { ApiError, UNREACHABLE } from './client'

export function createQueryClient(): QueryClient {
  return new AttentiveClient({
    defaultOptions: {
      queries: {
        staleTime: 30_000,
        retry: (failures, error) => error instanceof ApiError && error.code === UNREACHABLE && failures < 3,
      },
      mutations: { retry: false },
    },
  })
}

/**
 * A change counts for what is being loaded, too: its answer may have been read before the change. vue-query begins again
 * what is shown; a first load, and one that nobody watches any more, it lets end, and takes its answer for new.
 */
class AttentiveClient extends QueryClient {
  /** Queries whose load began before a change. */
  private readonly doubted = new Set<string>()

  override invalidateQueries(...[filters, options]: Parameters<QueryClient['invalidateQueries']>): Promise<void> {
    const what = typeof filters === 'function' ? filters() : filters
    const loading = this.getQueryCache().findAll({ ...what, fetchStatus: 'fetching' })
    for (const query of loading.filter(each => each.state.data === undefined || !each.isActive())) {
      const { queryHash, queryKey } = query
      if (this.doubted.has(queryHash)) continue
      this.doubted.add(queryHash)
      const settle = (again: boolean) => {
        this.doubted.delete(queryHash)
        if (again) void this.invalidateQueries({ queryKey, exact: true })
      }
      void query.promise?.then(
        () => settle(true),
        () => settle(false),
      )
    }
    return super.invalidateQueries(filters, options)
  }
}
