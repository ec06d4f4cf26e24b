// Every string in both languages, none missing and none left over.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { createI18n } from 'vue-i18n'
import {
  ALERT_KINDS,
  ANNOTATION_LEVELS,
  AUTO_EVENTS,
  CELL_STATES,
  CHANGE_STATES,
  CHANNEL_EVENTS,
  CHANNEL_KINDS,
  CHECK_SUBJECTS,
  COMMIT_STATES,
  DEPLOYMENT_STATES,
  FILE_STATUSES,
  FORGE_KINDS,
  FORK_POLICIES,
  HOLD_CODES,
  HOOK_NAMES,
  HOOK_STATES,
  HOST_CHECK_CODES,
  HOST_RUN_STATES,
  JOB_STATES,
  LIVE_VERDICTS,
  MERGE_WAYS,
  OUTBOX_STATES,
  PLAN_ACTIONS,
  PLAN_KINDS,
  REQUEST_STATES,
  ROLES,
  RUN_STATES,
  SCAN_STATUSES,
  SMS_PROVIDERS,
  SEARCH_KINDS,
  STEP_STATES,
  TERMINAL_ENDS,
  TERMINAL_STATES,
  TRIGGERS,
  VALUE_KINDS,
  VALUE_LEVELS,
  VERDICTS,
  VERDICTS_OF_REVIEW,
  WEEKDAYS,
} from '@/api/types'
import { FEED_ACTIONS } from '@/lib/feed-actions'
import { CONFIG_STEPS } from '@/lib/config-form'
import { COUNTS, FIGURES, TRENDS } from '@/lib/figures'
import { CONDITIONS } from '@/lib/holds'
import { GENERIC_FIELDS, SIGNATURES } from '@/lib/forge-form'
import { FIRST_STEPS } from '@/lib/first-steps'
import { HOST_LOGINS } from '@/lib/host-form'
import { GROUPINGS } from '@/lib/host-groups'
import { LEFT_OUT, LIST_KINDS } from '@/lib/host-list'
import { HOOK_STEPS } from '@/lib/hook-steps'
import { NEEDS } from '@/lib/needs'
import { GROUPS } from '@/lib/palette'
import { KEEPING, LIMITS } from '@/lib/repository-form'
import { SOURCES } from '@/lib/request-form'
import { SCOPE_KINDS } from '@/lib/scope'
import { SETTINGS_TABS } from '@/lib/settings-tabs'
import en from './en.json'
import zhCN from './zh-CN.json'

type Messages = { [key: string]: string | Messages }

const english = flatten(en)
const chinese = flatten(zhCN)
const source = sourceFiles('src')
  .filter(file => !file.endsWith('.test.ts'))
  .map(file => readFileSync(file, 'utf8'))
  .join('\n')

/** Every literal that is handed to `t(…)`, stands in a `keypath`, or titles a route. */
const asked = askedKeys()

/** What a part in braces can be, for those keys that are put together. */
const families: Record<string, readonly string[]> = {
  'state.deployment': DEPLOYMENT_STATES,
  'state.request': REQUEST_STATES,
  'state.hostRun': HOST_RUN_STATES,
  'state.cell': CELL_STATES,
  'state.verdict': VERDICTS,
  'state.outbox': OUTBOX_STATES,
  'state.hook': HOOK_STATES,
  'state.run': RUN_STATES,
  'state.job': JOB_STATES,
  'state.step': STEP_STATES,
  'state.change': CHANGE_STATES,
  'state.commit': COMMIT_STATES,
  trigger: TRIGGERS,
  hold: HOLD_CODES,
  condition: Object.keys(CONDITIONS),
  'change.by': MERGE_WAYS,
  'policy.way': MERGE_WAYS,
  'policy.methods': ['merge', 'squash', 'rebase'],
  'annotation.level': [...ANNOTATION_LEVELS, 'debug'],
  'run.view': ['graph', 'time'],
  'alert.kind': ALERT_KINDS,
  'forge.kind': FORGE_KINDS,
  'forge.credential': ['none', 'token', 'app'],
  'forge.registeredSecret': ['made', 'stored', 'env', 'file'],
  need: Object.values(NEEDS),
  secretSource: ['secret', 'env', 'file'],
  hookSteps: FORGE_KINDS.flatMap(kind =>
    HOOK_STEPS[kind].map(step => `${kind}.${step === 'secret' ? 'signed' : step}`),
  ).concat('gitlab.token', 'gitee.token'),
  'hosts.code': HOST_CHECK_CODES,
  'live.state': LIVE_VERDICTS,
  'scanKeys.status': SCAN_STATUSES,
  'deploy.buildSource': ['git', 'upload'],
  'plan.count': PLAN_ACTIONS,
  'plan.kind': PLAN_KINDS,
  'palette.group': GROUPS,
  'palette.kind': SEARCH_KINDS,
  role: [...ROLES, 'none'],
  roleHelp: [...ROLES, 'none'],
  settings: SETTINGS_TABS,
  'scope.on': SCOPE_KINDS,
  'values.kind': VALUE_KINDS,
  'values.kindHelp': VALUE_KINDS,
  'values.level': VALUE_LEVELS,
  'channel.kind': CHANNEL_KINDS,
  'channel.event': CHANNEL_EVENTS,
  'feed.did': FEED_ACTIONS,
  'terminal.state': ['opening', 'open', 'over'],
  'terminal.end': [...TERMINAL_ENDS, 'cut', 'error'],
  'terminals.state': TERMINAL_STATES,
  'requests.group': ['all', 'other'],
  'review.title': VERDICTS_OF_REVIEW,
  'review.reason': VERDICTS_OF_REVIEW,
  'review.placeholder': VERDICTS_OF_REVIEW,
  'review.said': VERDICTS_OF_REVIEW,
  'request.done': [...VERDICTS_OF_REVIEW, 'release', 'retry', 'withdraw'],
  'diff.status': FILE_STATUSES,
  'newRequest.flaw': ['environment', 'app', 'twice', 'what', 'commit', 'inputs', 'past'],
  deploy: SOURCES,
  batch: ['approve', 'reject', 'withdraw', 'release'],
  'configForm.steps': Object.keys(CONFIG_STEPS),
  'configForm.hookHelp': HOOK_NAMES,
  'configForm.events': AUTO_EVENTS,
  'configCheck.what': CHECK_SUBJECTS,
  dryRun: ['server', 'host'],
  step: ['1', '2', '3', '4', '5', '6'],
  'figures.name': FIGURES,
  'figures.help': FIGURES,
  'figures.trend': TRENDS,
  'figures.column': COUNTS,
  weekday: WEEKDAYS,
  'secretField.way': ['none', 'secret', 'env', 'file'],
  'environmentForm.green': ['none', 'all', 'some'],
  'hosts.group': GROUPINGS,
  'hosts.without': GROUPINGS,
  'hostForm.login': HOST_LOGINS,
  'hostImport.kind': LIST_KINDS,
  'hostImport.why': LEFT_OUT,
  'forgeForm.addressHelp': ['own', 'usual'],
  'forgeForm.tokenHelp': FORGE_KINDS,
  'forgeForm.sign': Object.values(SIGNATURES).flat(),
  'forgeForm.field': GENERIC_FIELDS,
  'repositoryForm.executorHelp': ['sandbox', 'host'],
  'repositoryForm.fork': FORK_POLICIES,
  'repositoryForm.forkHelp': FORK_POLICIES,
  'repositoryForm.mergesHelp': ['no', 'yes'],
  'repositoryForm.amount': [...LIMITS, ...KEEPING],
  'channelForm.sms': SMS_PROVIDERS,
  'channelForm.urlHelp': CHANNEL_KINDS.filter(kind => kind !== 'email' && kind !== 'sms'),
  next: [...FIRST_STEPS, 'config'].flatMap(name => ['title', 'text', 'go'].map(part => `${name}.${part}`)),
}

describe('messages', () => {
  it('exist in both languages under the same keys', () => {
    expect([...chinese.keys()].sort()).toEqual([...english.keys()].sort())
  })

  it('carry the same placeholders in both languages', () => {
    const names = (text = '') => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map(match => match[1]))].sort()
    for (const [key, text] of english) {
      // "This will be deleted" names no number in its singular, so a language may have more placeholders, not fewer.
      expect(names(chinese.get(key)), key).toEqual(names(text))
    }
  })

  it('are all there when a page asks for them', () => {
    expect(asked.literal.filter(key => !english.has(key))).toEqual([])
  })

  it('are all asked for by some page', () => {
    const patterns = asked.composed.map(toMatcher)
    const unused = [...english.keys()].filter(
      key => !asked.literal.includes(key) && !patterns.some(pattern => pattern.test(key)),
    )
    expect(unused).toEqual([])
  })

  it.each(Object.entries(families))('cover every value of %s', (prefix, values) => {
    expect(values.filter(value => !english.has(`${prefix}.${value}`))).toEqual([])
  })

  it.each(['en', 'zh-CN'] as const)('can be read by what fills in their placeholders: %s', locale => {
    const i18n = createI18n({ legacy: false, locale, messages: { en, 'zh-CN': zhCN } })
    for (const key of english.keys()) expect(() => i18n.global.t(key, 1), key).not.toThrow()
  })

  it('are words and not empty', () => {
    expect([...english, ...chinese].filter(([, text]) => text.trim() === '')).toEqual([])
  })
})

function flatten(messages: Messages, prefix = ''): Map<string, string> {
  return new Map(
    Object.entries(messages).flatMap(([key, value]) =>
      typeof value === 'string' ? [[prefix + key, value] as const] : [...flatten(value, `${prefix}${key}.`)],
    ),
  )
}

function askedKeys(): { literal: string[]; composed: string[] } {
  const inCalls = callArguments().flatMap(text => [...text.matchAll(/'([^'\n]+\.[^'\n]+)'|`([^`\n]+)`/g)])
  const elsewhere = [...source.matchAll(/keypath="([^"]+)"|\btitle: '([^']+\.[^']+)'/g)]
  const keys = [...inCalls, ...elsewhere].map(match => match[1] ?? match[2] ?? '')
  return { literal: keys.filter(key => !key.includes('${')), composed: keys.filter(key => key.includes('${')) }
}

/** What stands between the parentheses of each `t(…)`. */
function callArguments(): string[] {
  return [...source.matchAll(/\bt\(/g)].map(match => {
    const start = match.index + match[0].length
    let depth = 1
    let end = start
    while (depth > 0 && end < source.length) {
      if (source[end] === '(') depth += 1
      if (source[end] === ')') depth -= 1
      end += 1
    }
    return source.slice(start, end - 1)
  })
}

function toMatcher(key: string): RegExp {
  const parts = key.split(/\$\{[^}]*\}/).map(part => part.replaceAll('.', '\\.'))
  return new RegExp(`^${parts.join('[\\w-]+')}$`)
}

function sourceFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? sourceFiles(path) : /\.(vue|ts)$/.test(entry.name) ? [path] : []
  })
}
