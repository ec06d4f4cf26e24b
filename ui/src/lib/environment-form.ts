// An environment as fields to fill in, and back.
import { type EnvironmentForm, type FreezeForm, WEEKDAYS, type Weekday, type WindowForm } from '@/api/types'
import { lines } from './config-form'
import { isItemName, said } from './item-form'

export interface WindowFields {
  days: Weekday[]
  from: string
  to: string
  zone: string
}

export interface FreezeFields {
  /** Every week, or once. */
  kind: 'weekly' | 'dated'
  days: Weekday[]
  /** A time of day where it is weekly, else a date with a time of day. */
  from: string
  until: string
  zone: string
  reason: string
}

export interface EnvironmentFields {
  key: string
  name: string
  /** Empty: davit chooses. */
  color: string
  approvals: number
  selfApproval: boolean
  /** One a line: a name, or `group:name`. */
  reviewers: string
  expires: string
  /** One glob a line. */
  branches: string
  url: string
  forgeName: string
  windows: WindowFields[]
  freezes: FreezeFields[]
  green: 'none' | 'all' | 'some'
  /** One glob a line. */
  contexts: string
}

export function toEnvironmentFields(key: string, form: EnvironmentForm): EnvironmentFields {
  const { review, require_green: green } = form
  return {
    key,
    name: form.name ?? '',
    color: form.color ?? '',
    approvals: review?.required ?? 0,
    selfApproval: review?.self_approval ?? false,
    reviewers: (review?.reviewers ?? []).join('\n'),
    expires: review?.expires ?? '',
    branches: (form.branches ?? []).join('\n'),
    url: form.url ?? '',
    forgeName: form.forge_name ?? '',
    windows: (form.window ?? []).map(({ days = [], from, to, zone }) => ({ days: [...days], from, to, zone })),
    freezes: (form.freeze ?? []).map(toFreezeFields),
    green: Array.isArray(green) ? 'some' : green ? 'all' : 'none',
    contexts: Array.isArray(green) ? green.join('\n') : '',
  }
}

export function toEnvironmentForm(fields: EnvironmentFields): EnvironmentForm {
  const review = said({
    required: Number(fields.approvals),
    self_approval: fields.selfApproval,
    reviewers: lines(fields.reviewers),
    expires: fields.expires.trim(),
  })
  const asksForReview = review.required > 0 || Object.keys(review).length > 1
  const form: EnvironmentForm = {
    name: fields.name.trim() === fields.key ? '' : fields.name.trim(),
    color: fields.color,
    branches: lines(fields.branches),
    url: fields.url.trim(),
    forge_name: fields.forgeName.trim(),
    window: fields.windows.map(toWindow),
    freeze: fields.freezes.map(toFreeze),
  }
  if (asksForReview) form.review = review
  if (fields.green === 'all') form.require_green = true
  if (fields.green === 'some') form.require_green = lines(fields.contexts)
  return said(form)
}

export function newWindow(zone: string): WindowFields {
  return { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '17:00', zone }
}

export function newFreeze(zone: string): FreezeFields {
  return { kind: 'weekly', days: ['fri'], from: '16:00', until: '24:00', zone, reason: '' }
}

/** The other kind of freeze, with times that fit it. */
export function asKind(freeze: FreezeFields, kind: FreezeFields['kind'], today: string): FreezeFields {
  if (kind === freeze.kind) return freeze
  return kind === 'dated'
    ? { ...freeze, kind, from: `${today}T00:00`, until: `${today}T23:59` }
    : { ...freeze, kind, from: '16:00', until: '24:00' }
}

export function isEnvironmentComplete(fields: EnvironmentFields): boolean {
  const isWhole = ({ from, zone }: { from: string; zone: string }) => from !== '' && zone !== ''
  return (
    isItemName(fields.key) &&
    fields.windows.every(window => isWhole(window) && window.to !== '') &&
    fields.freezes.every(freeze => isWhole(freeze) && freeze.until !== '' && freeze.reason.trim() !== '') &&
    (fields.green !== 'some' || lines(fields.contexts).length > 0)
  )
}

function toFreezeFields({ days = [], from, to, until, zone, reason }: FreezeForm): FreezeFields {
  return {
    kind: until === undefined ? 'weekly' : 'dated',
    days: [...days],
    from,
    until: until ?? to ?? '',
    zone,
    reason,
  }
}

function toWindow({ days, from, to, zone }: WindowFields): WindowForm {
  return said({ days: inOrder(days), from, to, zone })
}

function toFreeze({ kind, days, from, until, zone, reason }: FreezeFields): FreezeForm {
  const common = { from, zone, reason: reason.trim() }
  return kind === 'weekly' ? said({ days: inOrder(days), to: until, ...common }) : { until, ...common }
}

function inOrder(days: Weekday[]): Weekday[] {
  return WEEKDAYS.filter(day => days.includes(day))
}
