// A repository that davit tests as fields to fill in, and back.
import {
  type CiEnvironmentForm,
  type Executor,
  type ForgeKind,
  type ForkPolicy,
  MERGE_WAYS,
  type MergeForm,
  type MergeMethod,
  type MergeWay,
  type RepositoryForm,
  type SecretRef,
} from '@/api/types'
import { lines } from './config-form'
import { fromSecretFields, type SecretFields, said, secretNameOf, toSecretFields } from './item-form'

/** What a job may use and how long things are kept, in the words of davit.toml; empty: the default. */
export const LIMITS = ['memory', 'cpus', 'processes', 'disk', 'output', 'timeout'] as const
export const KEEPING = ['keep_runs', 'keep_artifacts', 'cache_size'] as const
export type Amount = (typeof LIMITS)[number] | (typeof KEEPING)[number]

/** What davit does without being told. */
export const USUAL_AMOUNT: Record<Amount, string> = {
  memory: '2GiB',
  cpus: '2',
  processes: '512',
  disk: '10GiB',
  output: '64MiB',
  timeout: '60m',
  keep_runs: '90d',
  keep_artifacts: '30d',
  cache_size: '5GiB',
}

const USUAL_LABEL = 'merge'
const USUAL_BLOCKING = ['wip', 'do-not-merge']

/** One secret of workflows. Its value is never part of a form that is kept: it is found by `id`. */
export interface SecretRow {
  id: string
  /** As workflows call it. */
  name: string
  from: SecretFields
  /** What davit keeps its value as already; empty: it keeps none. */
  kept: string
}

export interface CiEnvironmentFields {
  id: string
  name: string
  variables: string
  secrets: SecretRow[]
}

export interface MergeFields {
  by: MergeWay[]
  label: string
  /** One a line, as the globs below. */
  blocking: string
  required: string
  approvals: number | string
  method: MergeMethod
  branches: string
  deleteBranch: boolean
  queue: boolean
}

export interface RepositoryFields {
  forge: string
  name: string
  url: string
  executor: Executor
  trusted: boolean
  network: boolean
  forks: ForkPolicy
  amounts: Record<Amount, string>
  badge: boolean
  variables: string
  secrets: SecretRow[]
  environments: CiEnvironmentFields[]
  merges: boolean
  merge: MergeFields
}

/** Where a form begins: a repository that somebody came with, or the only forge that there is. */
export interface Named {
  forge: string
  name: string
}

export function toRepositoryFields({ forge, name }: Named, form: RepositoryForm | null): RepositoryFields {
  const given = form ?? {}
  return {
    forge,
    name,
    url: given.url ?? '',
    executor: given.executor ?? 'sandbox',
    trusted: given.trusted ?? false,
    network: given.network ?? true,
    forks: given.forks ?? 'approve',
    amounts: Object.fromEntries([...LIMITS, ...KEEPING].map(key => [key, String(given[key] ?? '')])) as Record<
      Amount,
      string
    >,
    badge: given.badge ?? false,
    variables: given.variables ?? '',
    secrets: toRows('', given.secrets),
    environments: Object.entries(given.environments ?? {}).map(([name, { variables = '', secrets }]) => ({
      id: name,
      name,
      variables,
      secrets: toRows(name, secrets),
    })),
    merges: given.merge !== undefined,
    merge: toMergeFields(given.merge ?? {}),
  }
}

/** What has no name yet is left out: nobody can say what is wrong with it. */
export function toRepositoryForm(fields: RepositoryFields): RepositoryForm {
  const { executor, network, forks, amounts, merges } = fields
  const form: RepositoryForm = {
    url: fields.url.trim(),
    trusted: fields.trusted,
    badge: fields.badge,
    variables: fields.variables,
    ...(executor === 'host' && { executor }),
    ...(forks === 'never' && { forks }),
    ...Object.fromEntries(Object.entries(amounts).map(([key, text]) => [key, text.trim()])),
  }
  for (const key of ['cpus', 'processes'] as const) form[key] = asNumber(amounts[key])
  const secrets = toSecrets(fields.secrets, fields)
  if (secrets) form.secrets = secrets
  const environments = toEnvironments(fields)
  if (Object.keys(environments).length) form.environments = environments
  const whole = said(form)
  if (!network && executor === 'sandbox') whole.network = false
  if (merges) whole.merge = toMergeForm(fields.merge)
  return whole
}

/** A new row, of a secret that is typed here. */
export function newSecret(): SecretRow {
  return { id: rowId(), name: '', from: { from: 'secret', name: '' }, kept: '' }
}

export function newEnvironment(): CiEnvironmentFields {
  return { id: rowId(), name: '', variables: '', secrets: [] }
}

/** Every secret of the form with its reference: what is typed goes along by the latter. */
export function secretEntries(
  fields: RepositoryFields,
  values: Record<string, string>,
): [SecretRef | undefined, string][] {
  const own = fields.secrets.map(row => [row, ''] as const)
  const ofPlaces = fields.environments.flatMap(({ name, secrets }) => secrets.map(row => [row, name] as const))
  return [...own, ...ofPlaces].map(([row, place]) => [toReference(row, place, fields), values[row.id] ?? ''])
}

/** Whether davit keeps a value for it that typing replaces. */
export function isKept({ from, kept }: SecretRow): boolean {
  return from.from === 'secret' && kept !== '' && from.name === kept
}

/** As the server takes names of repositories. */
export function isRepositoryName(text: string): boolean {
  const isPart = (part: string) => /^[A-Za-z0-9._-]+$/.test(part) && part !== '.' && part !== '..'
  const parts = text.split('/')
  return parts.length > 1 && parts.every(isPart)
}

/** The name in an address that somebody pasted, of the repository or of a page in it; what is none stays as it is. */
export function nameInAddress(text: string, kind?: ForgeKind): string {
  const given = text.trim()
  const [, path] = /^(?:https?:\/\/|ssh:\/\/|git@)[^/:]+(?::\d+)?[/:]([^?#]+)/.exec(given) ?? []
  if (path === undefined) return given
  // Only GitLab has groups in groups; its pages are behind a "-".
  const hasGroups = kind === 'gitlab' || kind === 'generic'
  const parts = (path.split('/-/')[0] ?? '').split('/').filter(Boolean)
  return (hasGroups ? parts : parts.slice(0, 2)).join('/').replace(/\.git$/, '')
}

/** Whether a name can be a secret's, and none of the others has it. */
export function isSecretName(row: SecretRow, all: SecretRow[]): boolean {
  const same = all.filter(other => other.name.toLowerCase() === row.name.toLowerCase())
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(row.name) && same.length === 1
}

export function isEnvironmentName({ name }: CiEnvironmentFields, all: CiEnvironmentFields[]): boolean {
  const same = all.filter(other => other.name.toLowerCase() === name.toLowerCase())
  return name.trim() !== '' && same.length === 1
}

/** Whether it can be sent to be looked at. */
export function isRepositoryNamed({ forge, name }: Named): boolean {
  return forge !== '' && isRepositoryName(name.trim())
}

/** Whether it is filled in as far as this page can tell. */
export function isRepositoryComplete(fields: RepositoryFields, values: Record<string, string>): boolean {
  const { environments } = fields
  const groups = [fields.secrets, ...environments.map(place => place.secrets)]
  const isGiven = (row: SecretRow) =>
    row.from.from === 'secret' ? isKept(row) || Boolean(values[row.id]) : row.from.name.trim() !== ''
  return (
    isRepositoryNamed(fields) &&
    environments.every(place => isEnvironmentName(place, environments)) &&
    groups.every(rows => rows.every(row => isSecretName(row, rows) && isGiven(row))) &&
    (fields.executor === 'sandbox' || fields.trusted) &&
    (!fields.merges || fields.merge.by.length > 0)
  )
}

function toRows(place: string, secrets: Record<string, SecretRef> = {}): SecretRow[] {
  return Object.entries(secrets).map(([name, reference]) => ({
    id: `${place} ${name}`,
    name,
    from: toSecretFields(reference),
    kept: 'secret' in reference ? reference.secret : '',
  }))
}

function toSecrets(rows: SecretRow[], of: RepositoryFields, place = ''): Record<string, SecretRef> | undefined {
  const entries = rows.flatMap(row => {
    const reference = isSecretName(row, rows) ? toReference(row, place, of) : undefined
    return reference ? [[row.name, reference] as const] : []
  })
  return entries.length ? Object.fromEntries(entries) : undefined
}

/**
 * A secret that davit keeps is called by what it belongs to, unless it has a name. One that was renamed, or whose
 * environment was, goes on under its name: a new one in its place takes the next that is free.
 */
function toReference({ name, from }: SecretRow, place: string, of: RepositoryFields): SecretRef | undefined {
  const rows = [...of.secrets, ...of.environments.flatMap(({ secrets }) => secrets)]
  const taken = new Set(rows.flatMap(row => (row.from.from === 'secret' ? [row.from.name.trim()] : [])))
  const parts = ['ci', of.forge, of.name.trim(), place, name]
  let usual = secretNameOf(parts)
  for (let next = 2; taken.has(usual); next += 1) usual = secretNameOf([...parts, String(next)])
  return fromSecretFields(from, usual)
}

function toEnvironments(fields: RepositoryFields): Record<string, CiEnvironmentForm> {
  const named = fields.environments.filter(place => isEnvironmentName(place, fields.environments))
  return Object.fromEntries(
    named.map(({ name, variables, secrets }) => {
      const own = toSecrets(secrets, fields, name)
      return [name, said({ variables, ...(own && { secrets: own }) })]
    }),
  )
}

function toMergeFields(form: MergeForm): MergeFields {
  return {
    by: [...(form.by ?? MERGE_WAYS)],
    label: form.label ?? USUAL_LABEL,
    blocking: (form.blocking_labels ?? USUAL_BLOCKING).join('\n'),
    required: (form.required ?? []).join('\n'),
    approvals: form.approvals ?? 0,
    method: form.method ?? 'merge',
    branches: (form.branches ?? []).join('\n'),
    deleteBranch: form.delete_branch ?? false,
    queue: form.queue ?? false,
  }
}

function toMergeForm(fields: MergeFields): MergeForm {
  const { by, label, blocking, required, approvals, method, branches, deleteBranch, queue } = fields
  const form = said<MergeForm>({
    required: lines(required),
    branches: lines(branches),
    delete_branch: deleteBranch,
    queue,
  })
  // Nothing in the way is something to say, as is nobody who may ask.
  const blocks = lines(blocking)
  if (blocks.join('\n') !== USUAL_BLOCKING.join('\n')) form.blocking_labels = blocks
  const ways = MERGE_WAYS.filter(way => by.includes(way))
  if (ways.length < MERGE_WAYS.length) form.by = ways
  if (label.trim() !== USUAL_LABEL) form.label = label.trim()
  if (method !== 'merge') form.method = method
  const count = asNumber(String(approvals))
  if (count) form.approvals = count
  return form
}

function asNumber(text: string): number | string {
  const trimmed = text.trim()
  const number = Number(trimmed)
  return /^\d+(\.\d+)?$/.test(trimmed) ? number : trimmed
}

/** What a new row is known by while its form is open, over a reload too. */
function rowId(): string {
  return Math.random().toString(36).slice(2)
}
