// What the forms of environments, hosts, forges and channels share: names, secrets that are typed or named, and a check
// by the server while somebody types.
import { onScopeDispose, type Ref, ref, shallowRef, watch } from 'vue'
import { ApiError } from '@/api/client'
import type { FieldProblem, ProblemLine, SecretRef } from '@/api/types'
import { problemsOf } from './config-form'

const PAUSE_MS = 500

/** A secret as fields: where it comes from and what it is called. Its value is never part of a form that is kept. */
export interface SecretFields {
  from: '' | 'secret' | 'env' | 'file'
  name: string
}

export function toSecretFields(given?: SecretRef): SecretFields {
  if (!given) return { from: '', name: '' }
  if ('secret' in given) return { from: 'secret', name: given.secret }
  if ('env' in given) return { from: 'env', name: given.env }
  return { from: 'file', name: given.file }
}

/** `usual`: what a secret is called that davit keeps and nobody gave a name. */
export function fromSecretFields({ from, name }: SecretFields, usual: string): SecretRef | undefined {
  const given = name.trim()
  switch (from) {
    case 'secret':
      return { secret: given || usual }
    case 'env':
      return { env: given }
    case 'file':
      return { file: given }
    default:
      return undefined
  }
}

/** The values that were typed for the secrets of a form, by the names under which davit keeps them. */
export function typedSecrets(entries: [SecretRef | undefined, string][]): Record<string, string> {
  return Object.fromEntries(
    entries.flatMap(([reference, value]) =>
      reference && 'secret' in reference && value ? [[reference.secret, value]] : [],
    ),
  )
}

const LONGEST = 63

/** A name for a secret that says what it belongs to; one that were too long ends in a sum of the whole. */
export function secretName(text: string): string {
  return text.length <= LONGEST ? text : summed(text, text)
}

/**
 * A name for a secret that belongs to several things with names of people's choice: it ends in a sum of them, because what
 * may stand in a name is less than what tells them apart.
 */
export function secretNameOf(parts: string[]): string {
  const plain = parts.map(part => part.replace(/[^A-Za-z0-9._-]+/g, '-')).filter(Boolean)
  return summed(plain.join('-'), parts.join('\n'))
}

function summed(text: string, whole: string): string {
  let sum = 0x811c9dc5
  for (const sign of whole) sum = Math.imul(sum ^ (sign.codePointAt(0) ?? 0), 0x01000193)
  const end = (sum >>> 0).toString(16).padStart(8, '0')
  return `${text.slice(0, LONGEST - end.length - 1)}-${end}`
}

/** As the server takes keys and names of items: they are part of addresses and of paths. */
export function isItemName(text: string): boolean {
  return /^[a-z0-9][a-z0-9._-]{0,62}$/.test(text) && !text.includes('..')
}

/** An object without what is not said: an empty text, an empty list, nothing. */
export function said<T extends object>(form: T): T {
  const isSaid = (value: unknown) =>
    value !== undefined && value !== '' && value !== false && !(Array.isArray(value) && value.length === 0)
  return Object.fromEntries(Object.entries(form).filter(([, value]) => isSaid(value))) as T
}

/** Whether a secret that there must be is to be typed and was not: davit keeps none of before. */
export function isLacking<Name extends string>(
  needed: Name | undefined,
  secrets: Record<Name, SecretFields>,
  kept: ReadonlySet<Name>,
  typed: Record<Name, string>,
): boolean {
  return needed !== undefined && secrets[needed].from === 'secret' && !kept.has(needed) && typed[needed] === ''
}

/** The mistakes that the server found in a form, by field. */
export function fieldProblems(error: unknown): FieldProblem[] {
  return ofFields(error instanceof ApiError ? error.lines : [])
}

/** The mistakes that are in a field, and not in the form as a whole. */
export function ofFields(lines: ProblemLine[]): FieldProblem[] {
  return lines.flatMap(({ field, message }) => (field === undefined ? [] : [{ field, message }]))
}

/** What is wrong with one field, in a sentence; empty: nothing. */
export function flawOf(problems: FieldProblem[], field: string): string {
  return [...new Set(problemsOf(problems, field))].join(' ')
}

/**
 * Sends a form to the server for a look while it is filled in: when the typing pauses, and never one that is old.
 * `send` gives nothing while there is nothing to ask about.
 */
export function useItemCheck(
  form: () => unknown,
  send: (signal: AbortSignal) => Promise<unknown> | undefined,
): { problems: Readonly<Ref<FieldProblem[]>> } {
  const problems = shallowRef<FieldProblem[]>([])
  const running = ref<AbortController>()
  let timer: ReturnType<typeof setTimeout> | undefined

  async function ask() {
    const mine = new AbortController()
    running.value = mine
    const found = await Promise.resolve(send(mine.signal)).then(() => [], fieldProblems)
    if (!mine.signal.aborted) problems.value = found
  }

  watch(
    () => JSON.stringify(form()),
    () => {
      running.value?.abort()
      clearTimeout(timer)
      timer = setTimeout(() => void ask(), PAUSE_MS)
    },
    { immediate: true },
  )
  onScopeDispose(() => {
    clearTimeout(timer)
    running.value?.abort()
  })
  return { problems }
}
