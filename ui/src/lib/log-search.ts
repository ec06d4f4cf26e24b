// Search in a log that is on the server: how many lines hold a text, which of them is looked at, and the way from one
// to the next. The server names the matches around a line; beyond those it is asked again.
import { onScopeDispose, ref, shallowRef } from 'vue'
import type { LogMatches } from '@/api/types'
import { plainText } from './ansi'

/** How long typing may pause before what was typed is searched. */
const TYPING_MS = 250

export type FindMatches = (query: string, from: number, signal: AbortSignal) => Promise<LogMatches>

export function useLogSearch(find: FindMatches) {
  const query = ref('')
  /** How many lines hold it; undefined: not known yet. */
  const total = ref<number>()
  /** Which of them is looked at, from 1. */
  const ordinal = ref(0)
  /** Its number. */
  const current = ref<number>()
  /** Another number each time the reader is led to a match, were it the same one. */
  const visits = ref(0)
  const pending = ref(false)
  const error = shallowRef<unknown>(null)
  let matches: LogMatches = { total: 0, before: 0, lines: [], last_seq: 0 }
  let timer: ReturnType<typeof setTimeout> | undefined
  let abort = new AbortController()

  function forget() {
    clearTimeout(timer)
    abort.abort()
    pending.value = false
    error.value = null
    total.value = undefined
    ordinal.value = 0
    current.value = undefined
    matches = { total: 0, before: 0, lines: [], last_seq: 0 }
  }

  /** Searches once the typing pauses, and goes to the first match from a line on. */
  function search(text: string, from: number) {
    query.value = text
    forget()
    if (text !== '') timer = setTimeout(() => void ask(from).then(found => found && goTo(nearest(from))), TYPING_MS)
  }

  async function ask(from: number): Promise<boolean> {
    abort.abort()
    abort = new AbortController()
    const { signal } = abort
    pending.value = true
    error.value = null
    try {
      const found = await find(query.value, from, signal)
      if (signal.aborted) return false
      matches = { ...found, lines: [...found.lines] }
      total.value = found.total
      return true
    } catch (failure) {
      if (!signal.aborted) error.value = failure
      return false
    } finally {
      if (!signal.aborted) pending.value = false
    }
  }

  /** The first match from a line on, or the last one of all. */
  function nearest(from: number): number {
    const index = matches.lines.findIndex(seq => seq >= from)
    return index < 0 ? matches.lines.length - 1 : index
  }

  function goTo(index: number) {
    current.value = matches.lines[index]
    ordinal.value = current.value === undefined ? 0 : matches.before + index + 1
    visits.value += 1
  }

  /** To the next match or the one before; after the last comes the first. */
  async function move(by: 1 | -1) {
    if (current.value === undefined || total.value === undefined) return
    const next = ordinal.value + by
    const wrapped = next < 1 ? total.value : next > total.value ? 1 : next
    if (wrapped - matches.before - 1 < 0 || wrapped - matches.before > matches.lines.length) {
      const from = wrapped === 1 ? 1 : wrapped === total.value ? Number.MAX_SAFE_INTEGER : current.value
      if (!(await ask(from))) return
    }
    goTo(Math.min(wrapped, matches.before + matches.lines.length) - matches.before - 1)
  }

  /** A line that was written since. */
  function add(line: { seq: number; text: string }) {
    if (query.value === '' || total.value === undefined || line.seq <= matches.last_seq) return
    matches.last_seq = line.seq
    if (!plainText(line.text).toLowerCase().includes(query.value.toLowerCase())) return
    if (matches.before + matches.lines.length === total.value) matches.lines.push(line.seq)
    total.value += 1
    if (current.value === undefined) goTo(0)
  }

  /** Other lines are looked at: searches those. */
  function again() {
    if (query.value === '') return
    const from = current.value ?? 1
    forget()
    void ask(from).then(found => found && goTo(nearest(from)))
  }

  onScopeDispose(forget)
  return { query, total, ordinal, current, visits, pending, error, search, move, add, again }
}

export type LogSearch = ReturnType<typeof useLogSearch>
