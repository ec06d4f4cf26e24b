// The form in which a release is asked for: what it holds, when it is complete, and what is sent for it.
import type { BatchBody, DeployBody, EditBody, ReleaseInput, ReleaseRequest, ReleaseWhat } from '@/api/types'
import { shortRef } from './git-ref'

export const SOURCES = ['branch', 'tag', 'commit', 'build'] as const
export type Source = (typeof SOURCES)[number]

/** One app of a request. */
export interface ItemForm {
  app: string
  source: Source
  branch: string
  tag: string
  /** Chosen among the commits of a branch or tag; empty: the newest when it is sent. By commit: what the typed means. */
  picked: string
  /** Typed, in full or its beginning. */
  commit: string
  build: number | null
  inputs: Record<string, string>
  /** Empty: all of the release config. */
  hosts: string[]
}

export interface RequestForm {
  environment: string
  items: ItemForm[]
  title: string
  description: string
  /** A local date and time as an `<input type="datetime-local">` writes it; empty: when somebody releases it. */
  at: string
}

/** Why a form can't be sent yet, by the key of its words. */
export type FormFlaw = 'environment' | 'app' | 'twice' | 'what' | 'commit' | 'loading' | 'inputs' | 'past'

export function emptyItem(app = ''): ItemForm {
  return { app, source: 'branch', branch: '', tag: '', picked: '', commit: '', build: null, inputs: {}, hosts: [] }
}

export function emptyRequest(environment = '', app = ''): RequestForm {
  return { environment, items: [emptyItem(app)], title: '', description: '', at: '' }
}

export function isFullSha(text: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(text.trim())
}

/** The beginning of a SHA that says enough to be looked up; empty: not yet. */
export function shaBeginning(text: string): string {
  const typed = text.trim().toLowerCase()
  return /^[0-9a-f]{7,64}$/.test(typed) ? typed : ''
}

/** The commit an item names by its SHA: typed in full, or what its beginning was found to mean. Empty: none yet. */
export function commitOf(item: Pick<ItemForm, 'commit' | 'picked'>): string {
  const typed = item.commit.trim().toLowerCase()
  if (isFullSha(typed)) return typed
  return shaBeginning(typed) && item.picked.startsWith(typed) ? item.picked : ''
}

/** The branch or tag an item goes by, when it goes by one. */
export function refOf(item: ItemForm): string {
  if (item.source === 'branch') return item.branch
  return item.source === 'tag' ? item.tag : ''
}

/** `inputs` are what the item's release config asks for; `undefined`: not known yet. */
export function flawOfItem(item: ItemForm, inputs: ReleaseInput[] | undefined): FormFlaw | null {
  if (!item.app) return 'app'
  if (item.source === 'commit' && !commitOf(item)) return 'commit'
  if (item.source === 'build' && item.build === null) return 'what'
  if ((item.source === 'branch' || item.source === 'tag') && !refOf(item)) return 'what'
  if (!inputs) return 'loading'
  return inputs.some(input => input.required && !answerTo(item, input)) ? 'inputs' : null
}

/** The first flaw of the whole form. */
export function flawOf(
  form: RequestForm,
  inputsOf: (app: string) => ReleaseInput[] | undefined,
  nowMs: number,
): FormFlaw | null {
  if (!form.environment) return 'environment'
  const flaw = form.items.map(item => flawOfItem(item, inputsOf(item.app))).find(Boolean)
  if (flaw) return flaw
  if (new Set(form.items.map(item => item.app)).size < form.items.length) return 'twice'
  return form.at && Date.parse(form.at) <= nowMs ? 'past' : null
}

export function answerTo(item: Pick<ItemForm, 'inputs'>, input: ReleaseInput): string {
  return item.inputs[input.name] ?? input.default ?? ''
}

export function toWhat(item: ItemForm, inputs: ReleaseInput[] = []): ReleaseWhat {
  return {
    ...sourceOf(item),
    ...(inputs.length ? { inputs: Object.fromEntries(inputs.map(input => [input.name, answerTo(item, input)])) } : {}),
    ...(item.hosts.length ? { hosts: [...item.hosts] } : {}),
  }
}

export function toDeployBody(form: RequestForm, inputsOf: (app: string) => ReleaseInput[] | undefined): DeployBody {
  const [item = emptyItem()] = form.items
  return { ...toWhat(item, inputsOf(item.app)), ...wordsOf(form) }
}

export function toBatchBody(form: RequestForm, inputsOf: (app: string) => ReleaseInput[] | undefined): BatchBody {
  return {
    environment: form.environment,
    ...wordsOf(form),
    items: form.items.map(item => ({ app: item.app, ...toWhat(item, inputsOf(item.app)) })),
  }
}

/** The form that an existing request is edited in. */
export function fromRequest(request: ReleaseRequest): RequestForm {
  const named = request.git_ref ? shortRef(request.git_ref) : null
  const source: Source = request.build_id ? 'build' : (named?.kind ?? 'commit')
  return {
    environment: request.environment,
    title: request.title,
    description: request.description,
    at: request.scheduled_at ? localMoment(request.scheduled_at) : '',
    items: [
      {
        ...emptyItem(request.app),
        source,
        branch: named?.kind === 'branch' ? named.name : '',
        tag: named?.kind === 'tag' ? named.name : '',
        picked: named ? request.commit : '',
        commit: named ? '' : request.commit,
        build: request.build_id,
        inputs: { ...request.inputs },
        hosts: [...(request.hosts ?? [])],
      },
    ],
  }
}

/** What an edit sends: only what differs from `before`, since all else makes old approvals void for nothing. */
export function toEditBody(
  form: RequestForm,
  before: RequestForm,
  version: number,
  inputs: ReleaseInput[],
  latestConfig: boolean,
): EditBody {
  const [item = emptyItem()] = form.items
  const [old = emptyItem()] = before.items
  const what = sourceOf(item)
  return {
    version,
    ...(form.title.trim() !== before.title ? { title: form.title.trim() } : {}),
    ...(form.description.trim() !== before.description ? { description: form.description.trim() } : {}),
    ...(JSON.stringify(what) !== JSON.stringify(sourceOf(old)) ? what : {}),
    ...(differs(item.hosts, old.hosts) ? { hosts: [...item.hosts] } : {}),
    ...(inputs.some(input => answerTo(item, input) !== answerTo(old, input))
      ? { inputs: Object.fromEntries(inputs.map(input => [input.name, answerTo(item, input)])) }
      : {}),
    ...(form.at !== before.at ? { scheduled_at: form.at ? new Date(form.at).toISOString() : null } : {}),
    ...(latestConfig ? { latest_config: true } : {}),
  }
}

/** Whether an edit makes approvals void: all but another time does. */
export function voidsApprovals(body: EditBody): boolean {
  return Object.keys(body).some(name => name !== 'version' && name !== 'scheduled_at')
}

/** A moment as a date and time field shows it, in the reader's time zone. */
export function localMoment(at: string): string {
  const date = new Date(at)
  const two = (n: number) => String(n).padStart(2, '0')
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day}T${two(date.getHours())}:${two(date.getMinutes())}`
}

function sourceOf(item: ItemForm): ReleaseWhat {
  switch (item.source) {
    case 'build':
      return item.build === null ? {} : { build: item.build }
    case 'commit':
      return { commit: commitOf(item) }
    case 'branch':
    case 'tag':
      return item.picked ? { ref: refOf(item), commit: item.picked } : { ref: refOf(item) }
  }
}

function wordsOf({ title, description, at }: RequestForm): Pick<DeployBody, 'title' | 'description' | 'scheduled_at'> {
  return {
    ...(title.trim() ? { title: title.trim() } : {}),
    ...(description.trim() ? { description: description.trim() } : {}),
    ...(at ? { scheduled_at: new Date(at).toISOString() } : {}),
  }
}

function differs(a: string[], b: string[]): boolean {
  return a.length !== b.length || a.some(name => !b.includes(name))
}
