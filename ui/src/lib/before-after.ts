// What a feed entry says changed, as lines a person can compare.

export interface ChangedLine {
  /** Dotted where it lies deeper: `review.required`; empty for a value that stands alone. */
  name: string
  before: string | null
  after: string | null
}

export interface EntryDetail {
  changed: ChangedLine[]
  /** Everything else that was noted. */
  facts: { name: string; text: string }[]
}

export function readDetail(detail: unknown): EntryDetail {
  if (!isRecord(detail)) {
    const text = asText(detail)
    return { changed: [], facts: text ? [{ name: '', text }] : [] }
  }
  const { before, after, ...rest } = detail
  return { changed: compare(before, after), facts: flatten(rest).map(([name, text]) => ({ name, text })) }
}

function compare(before: unknown, after: unknown): ChangedLine[] {
  const [old, fresh] = [new Map(flatten(before ?? {})), new Map(flatten(after ?? {}))]
  return [...new Set([...old.keys(), ...fresh.keys()])]
    .map(name => ({ name, before: old.get(name) ?? null, after: fresh.get(name) ?? null }))
    .filter(line => line.before !== line.after)
}

/** The leaves of a value with where they lie; a list of plain values is one leaf. */
function flatten(value: unknown, prefix = ''): [string, string][] {
  if (!isRecord(value)) return value === null || value === undefined ? [] : [[prefix, asText(value)]]
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, prefix ? `${prefix}.${key}` : key))
}

function asText(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value
  if (Array.isArray(value) && value.every(item => typeof item !== 'object')) return value.join(', ')
  return JSON.stringify(value)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
