// A release config as fields to fill in, and back: the form of the server has lists and nested tables, a person has
// lines and choices. Keys this version knows nothing of pass through untouched.
import {
  type ActionForm,
  type AutoEvent,
  type ConfigForm,
  type FieldProblem,
  HOOK_NAMES,
  type HookName,
  type InputForm,
} from '@/api/types'

export type HealthKind = '' | 'http' | 'tcp' | 'command'

export interface InputFields {
  name: string
  label: string
  default: string
  required: boolean
  /** One a line. */
  choices: string
}

export interface ActionFields {
  name: string
  kind: 'server' | 'host' | 'transfer' | 'upload'
  run: string
  from: string
  to: string
  mode: string
}

export interface ConfigFields {
  mode: 'regular' | 'custom'
  hostsBy: 'names' | 'labels'
  hosts: string[]
  labels: string[]
  deployPath: string
  releasesPath: string
  keep: string
  buildDir: string
  filterMode: 'exclude' | 'include'
  filter: string
  sharedDirs: string
  sharedFiles: string
  variables: string
  hooks: Record<HookName, string>
  stepTimeout: string
  idleTimeout: string
  batches: string
  pause: 'none' | 'confirm' | 'wait'
  pauseFor: string
  maxFailures: string
  onFailure: 'revert' | 'hold'
  health: HealthKind
  healthWhat: string
  healthStatus: string
  healthFrom: 'host' | 'server'
  healthRetries: string
  healthInterval: string
  healthTimeout: string
  unchanged: string
  verify: string
  compress: string
  caches: string
  shareBuilds: boolean
  auto: '' | AutoEvent
  autoBranches: string
  inputs: InputFields[]
  actions: ActionFields[]
  rollbackActions: ActionFields[]
  /** Whether only some channels are told; else all whose filters match. */
  notifySome: boolean
  notify: string[]
  rest: Record<string, unknown>
}

/** The steps of the form, and the keys of `[[app.release]]` that each asks for. */
export const CONFIG_STEPS = {
  basics: ['mode', 'build_dir', 'auto', 'input', 'caches', 'share_builds', 'notify'],
  hosts: ['hosts', 'deploy_path', 'releases_path', 'keep', 'shared', 'strategy', 'health', 'transfer'],
  scripts: ['hooks', 'timeouts', 'filter', 'variables', 'action', 'rollback_action'],
} as const satisfies Record<string, readonly string[]>

export type ConfigStep = keyof typeof CONFIG_STEPS

const KNOWN: readonly string[] = Object.values(CONFIG_STEPS).flat()

export function fromConfigForm(form: Partial<ConfigForm>): ConfigFields {
  const { hosts = [], filter, shared, timeouts, strategy, health = {}, transfer, auto, notify } = form
  const pause = strategy?.pause ?? 'none'
  const kind = (['http', 'tcp', 'command'] as const).find(name => name in health) ?? ''
  const text = (value: unknown) => (value === undefined ? '' : String(value))
  return {
    mode: form.mode ?? 'regular',
    hostsBy: Array.isArray(hosts) ? 'names' : 'labels',
    hosts: Array.isArray(hosts) ? [...hosts] : [],
    labels: Array.isArray(hosts) ? [] : [...hosts.labels],
    deployPath: form.deploy_path ?? '',
    releasesPath: form.releases_path ?? '',
    keep: text(form.keep),
    buildDir: form.build_dir ?? '',
    filterMode: filter?.mode ?? 'exclude',
    filter: toLines(filter?.patterns),
    sharedDirs: toLines(shared?.dirs),
    sharedFiles: toLines(shared?.files),
    variables: form.variables ?? '',
    hooks: Object.fromEntries(HOOK_NAMES.map(name => [name, form.hooks?.[name] ?? ''])) as Record<HookName, string>,
    stepTimeout: timeouts?.step ?? '',
    idleTimeout: timeouts?.idle ?? '',
    batches: toLines(strategy?.batches?.map(batch => (Array.isArray(batch) ? batch.join(', ') : batch))),
    pause: pause === 'none' || pause === 'confirm' ? pause : 'wait',
    pauseFor: pause === 'none' || pause === 'confirm' ? '' : pause,
    maxFailures: text(strategy?.max_failures),
    onFailure: strategy?.on_failure ?? 'revert',
    health: kind,
    healthWhat: kind ? text(health[kind]) : '',
    healthStatus: text(health.status),
    healthFrom: health.from === 'server' ? 'server' : 'host',
    healthRetries: text(health.retries),
    healthInterval: text(health.interval),
    healthTimeout: text(health.timeout),
    unchanged: transfer?.unchanged ?? 'copy',
    verify: transfer?.verify ?? 'sent',
    compress: transfer?.compress ?? 'auto',
    caches: toLines(form.caches),
    shareBuilds: form.share_builds ?? false,
    auto: auto?.on ?? '',
    autoBranches: toLines(auto?.branches),
    inputs: (form.input ?? []).map(input => ({
      name: input.name,
      label: input.label ?? '',
      default: input.default ?? '',
      required: input.required ?? false,
      choices: toLines(input.choices),
    })),
    actions: (form.action ?? []).map(fromAction),
    rollbackActions: (form.rollback_action ?? []).map(fromAction),
    notifySome: notify !== undefined,
    notify: [...(notify ?? [])],
    rest: Object.fromEntries(Object.entries(form).filter(([name]) => !KNOWN.includes(name))),
  }
}

/** What is as davit does it anyway is left out. */
export function toConfigForm(fields: ConfigFields): ConfigForm {
  const custom = fields.mode === 'custom'
  return {
    ...fields.rest,
    ...(custom ? { mode: 'custom' as const } : {}),
    hosts: fields.hostsBy === 'labels' ? { labels: [...fields.labels] } : [...fields.hosts],
    deploy_path: fields.deployPath.trim(),
    releases_path: fields.releasesPath.trim(),
    ...given('keep', toNumber(fields.keep)),
    ...given('build_dir', fields.buildDir.trim()),
    ...given(
      'filter',
      listed(fields.filter, patterns => ({ mode: fields.filterMode, patterns })),
    ),
    ...given(
      'shared',
      some({ ...given('dirs', some(lines(fields.sharedDirs))), ...given('files', some(lines(fields.sharedFiles))) }),
    ),
    ...given('variables', fields.variables.trim() ? fields.variables : undefined),
    ...(custom ? {} : given('hooks', some(hooksOf(fields)))),
    ...given(
      'timeouts',
      some({ ...given('step', fields.stepTimeout.trim()), ...given('idle', fields.idleTimeout.trim()) }),
    ),
    ...given('strategy', some(strategyOf(fields))),
    ...given('health', some(healthOf(fields))),
    ...given('transfer', some(transferOf(fields))),
    ...given('caches', some(lines(fields.caches))),
    ...given('share_builds', fields.shareBuilds || undefined),
    ...given(
      'auto',
      fields.auto ? { on: fields.auto, ...given('branches', some(lines(fields.autoBranches))) } : undefined,
    ),
    ...given('input', some(fields.inputs.map(toInput))),
    ...(custom ? given('action', some(fields.actions.map(toAction))) : {}),
    ...(custom ? given('rollback_action', some(fields.rollbackActions.map(toAction))) : {}),
    ...given('notify', fields.notifySome ? [...fields.notify] : undefined),
  }
}

/** What is wrong with a field or with anything in it. */
export function problemsOf(problems: FieldProblem[], field: string): string[] {
  return problems.filter(problem => isIn(problem.field, field)).map(problem => problem.message)
}

/** The step that asks for a field; nothing for what no step asks for. */
export function stepOf(field: string): ConfigStep | null {
  const steps = Object.entries(CONFIG_STEPS) as [ConfigStep, readonly string[]][]
  return steps.find(([, keys]) => keys.some(key => isIn(field, key)))?.[0] ?? null
}

export function lines(text: string): string[] {
  return text
    .split('\n')
    .map(line => line.trim())
    .filter(Boolean)
}

function isIn(path: string, field: string): boolean {
  return path === field || path.startsWith(`${field}.`) || path.startsWith(`${field}[`)
}

function toLines(list: readonly string[] | undefined): string {
  return (list ?? []).join('\n')
}

function toNumber(text: string): number | undefined {
  const trimmed = text.trim()
  if (!trimmed) return undefined
  const number = Number(trimmed)
  // Nonsense is sent as it is: the server says what is wrong with it.
  return Number.isFinite(number) ? number : (trimmed as unknown as number)
}

function given<K extends string, V>(name: K, value: V | undefined | ''): { [key in K]?: V } {
  return value === undefined || value === '' ? {} : ({ [name]: value } as { [key in K]?: V })
}

function some<T extends object>(value: T): T | undefined {
  return Object.keys(value).length > 0 ? value : undefined
}

function listed<T>(text: string, make: (list: string[]) => T): T | undefined {
  const list = lines(text)
  return list.length ? make(list) : undefined
}

function hooksOf({ hooks }: ConfigFields): Partial<Record<HookName, string>> {
  return Object.fromEntries(HOOK_NAMES.filter(name => hooks[name].trim()).map(name => [name, hooks[name]]))
}

function strategyOf(fields: ConfigFields): NonNullable<ConfigForm['strategy']> {
  const batches = lines(fields.batches).map(line =>
    /^\d+%?$/.test(line) ? line : line.split(/[\s,]+/).filter(Boolean),
  )
  return {
    ...given('batches', some(batches)),
    ...given('pause', fields.pause === 'wait' ? fields.pauseFor.trim() : fields.pause === 'confirm' ? 'confirm' : ''),
    ...given('max_failures', toNumber(fields.maxFailures)),
    ...given('on_failure', fields.onFailure === 'hold' ? ('hold' as const) : undefined),
  }
}

function healthOf(fields: ConfigFields): NonNullable<ConfigForm['health']> {
  if (!fields.health) return {}
  return {
    [fields.health]: fields.health === 'command' ? fields.healthWhat : fields.healthWhat.trim(),
    ...(fields.health === 'http' ? given('status', toNumber(fields.healthStatus)) : {}),
    ...(fields.health !== 'command' && fields.healthFrom === 'server' ? { from: 'server' } : {}),
    ...given('retries', toNumber(fields.healthRetries)),
    ...given('interval', fields.healthInterval.trim()),
    ...given('timeout', fields.healthTimeout.trim()),
  } as NonNullable<ConfigForm['health']>
}

function transferOf({ unchanged, verify, compress }: ConfigFields): NonNullable<ConfigForm['transfer']> {
  return {
    ...given('unchanged', unchanged === 'copy' ? undefined : unchanged),
    ...given('verify', verify === 'sent' ? undefined : verify),
    ...given('compress', compress === 'auto' ? undefined : compress),
  }
}

function toInput(input: InputFields): InputForm {
  return {
    name: input.name.trim(),
    ...given('label', input.label.trim()),
    ...given('default', input.default),
    ...given('required', input.required || undefined),
    ...given('choices', some(lines(input.choices))),
  }
}

function fromAction({ name, on, run = '', transfer }: ActionForm): ActionFields {
  const kind = transfer ? (transfer.upload === undefined ? 'transfer' : 'upload') : (on ?? 'host')
  return {
    name,
    kind,
    run,
    from: transfer?.upload ?? transfer?.from ?? '',
    to: transfer?.to ?? '',
    mode: transfer?.mode ?? '',
  }
}

function toAction({ name, kind, run, from, to, mode }: ActionFields): ActionForm {
  if (kind === 'server' || kind === 'host') return { name: name.trim(), on: kind, run }
  const source = kind === 'upload' ? { upload: from.trim() } : { from: from.trim() }
  return { name: name.trim(), transfer: { ...source, to: to.trim(), ...given('mode', mode.trim()) } }
}
