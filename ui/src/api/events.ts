// The one live connection of the whole UI: a change on the server makes the queries that show it load again.
import { type QueryClient, useQueryClient } from '@tanstack/vue-query'
import { onBeforeUnmount, type Ref, ref, watch } from 'vue'
import { openStream, type Stream, type StreamStatus } from '@/lib/stream'
import { api } from './endpoints'
import { keysOf, PATIENT_KEYS } from './queries'
import { CHANGE_TOPICS, type ChangeEvent } from './types'

/** A deployment to a thousand hosts changes a thousand times; one refetch in this many milliseconds is enough. */
const GATHER_MS = 300
/** The same for what costs much. */
const GATHER_PATIENTLY_MS = 20_000
/** So long a connection may take to reach the server without anything being loaded again for it. */
const ARRIVAL_MS = 2_000

/** Follows changes while they are wanted and the calling component lives; the status is for the reader to see. */
export function useLiveChanges(wanted: Ref<boolean>): Ref<StreamStatus> {
  const client = useQueryClient()
  const status = ref<StreamStatus>('closed')
  const gather = gatherInvalidations(client)
  let wasOpen = false
  let askedAt = 0
  let stream: Stream | undefined

  function open() {
    stream = openStream({
      // What was read before the server knew of this connection may be old already: it says so. It counts back from
      // when it is asked, which is later.
      url: () => {
        askedAt = performance.now()
        return api.eventsUrl(Math.ceil(askedAt) + ARRIVAL_MS)
      },
      events: { change: data => gather.add(keysOfChange(data)), lost: () => void client.invalidateQueries() },
      onStatus: next => {
        status.value = next
        // What changed while nobody listened is unknown, so everything counts as changed.
        const isLate = performance.now() - askedAt > ARRIVAL_MS
        if (next === 'open' && (wasOpen || isLate)) void client.invalidateQueries()
        if (next === 'open') wasOpen = true
      },
    })
  }

  watch(
    wanted,
    isWanted => {
      stream?.close()
      if (isWanted) open()
    },
    { immediate: true },
  )
  onBeforeUnmount(() => {
    gather.stop()
    stream?.close()
  })
  return status
}

/** The query keys a `change` event names; none when the event is not one this version knows. */
export function keysOfChange(data: string): string[] {
  try {
    const change = JSON.parse(data) as ChangeEvent
    return CHANGE_TOPICS.includes(change.topic) ? keysOf(change.topic) : []
  } catch {
    return []
  }
}

/** Makes queries load again, each at most once in its time whatever happens meanwhile. */
export function gatherInvalidations(client: QueryClient) {
  const soon = gatherFor(GATHER_MS)
  const patiently = gatherFor(GATHER_PATIENTLY_MS)
  function gatherFor(pause: number) {
    const pending = new Set<string>()
    let timer: ReturnType<typeof setTimeout> | undefined
    function flush() {
      timer = undefined
      for (const key of pending) void client.invalidateQueries({ queryKey: [key] })
      pending.clear()
    }
    return {
      add(key: string) {
        pending.add(key)
        timer ??= setTimeout(flush, pause)
      },
      stop() {
        clearTimeout(timer)
      },
    }
  }
  return {
    add(keys: string[]) {
      for (const key of keys) (PATIENT_KEYS.has(key) ? patiently : soon).add(key)
    },
    stop() {
      soon.stop()
      patiently.stop()
    },
  }
}
