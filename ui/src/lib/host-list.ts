// Reads a pasted list of hosts: CSV, the blocks of an ssh_config, the lines of a known_hosts, or one address a line. Says of
// every line that is left out why.
import type { HostForm } from '@/api/types'
import { keyFromName } from './app-form'
import { isItemName, said } from './item-form'

export const LIST_KINDS = ['csv', 'ssh_config', 'known_hosts', 'lines'] as const
export type ListKind = (typeof LIST_KINDS)[number]

export const LEFT_OUT = [
  'name',
  'address',
  'user',
  'port',
  'hashed',
  'marked',
  'pattern',
  'match',
  'include',
  'twice',
] as const
export type LeftOut = (typeof LEFT_OUT)[number]

export interface ListedHost {
  /** Of the text, from 1. */
  line: number
  name: string
  form: HostForm
}

export interface HostList {
  kind: ListKind
  hosts: ListedHost[]
  left: { line: number; text: string; why: LeftOut }[]
}

/** What holds for every host whose line does not say it. */
export interface ListDefaults {
  user: string
  environments: string[]
  labels: string[]
  category: string
}

interface Raw {
  line: number
  text: string
  name?: string
  address: string
  user?: string
  port?: string
  labels?: string[]
  environments?: string[]
  category?: string
  hostKey?: string
  why?: LeftOut
}

const COLUMNS = ['name', 'address', 'user', 'port', 'labels', 'environments', 'category'] as const
type Column = (typeof COLUMNS)[number]
const KEY_TYPES = /^(ssh-|ecdsa-|sk-)/

export function readHostList(text: string, defaults: ListDefaults): HostList {
  const kind = kindOf(text)
  const raw = READERS[kind](numbered(text))
  const list: HostList = { kind, hosts: [], left: [] }
  for (const found of raw) {
    const host = toHost(found, defaults)
    const known = list.hosts.some(({ name }) => name === host.name)
    // A known_hosts has a line for each key of a host: the first is as good as the others.
    if (known && kind === 'known_hosts') continue
    const why = found.why ?? flawIn(host) ?? (known ? 'twice' : undefined)
    if (why) list.left.push({ line: found.line, text: found.text, why })
    else list.hosts.push(host)
  }
  return list
}

function kindOf(text: string): ListKind {
  const rows = numbered(text).map(({ text: row }) => row)
  if (rows.some(row => /^host\s+\S/i.test(row))) return 'ssh_config'
  if (rows.some(row => row.split(/\s+/).some((word, at) => at > 0 && KEY_TYPES.test(word)))) return 'known_hosts'
  if (rows.some(row => /[,;\t]/.test(row))) return 'csv'
  return 'lines'
}

function numbered(text: string): { line: number; text: string }[] {
  return text
    .split('\n')
    .map((row, at) => ({ line: at + 1, text: row.trim() }))
    .filter(row => row.text !== '' && !row.text.startsWith('#'))
}

type Rows = ReturnType<typeof numbered>

const READERS: Record<ListKind, (rows: Rows) => Raw[]> = {
  csv: readCsv,
  ssh_config: readSshConfig,
  known_hosts: readKnownHosts,
  lines: rows => rows.map(({ line, text }) => ({ line, text, ...parseTarget(text.split(/\s+/)[0] ?? '') })),
}

/** With a first line of column names, or in the usual order: name, address, user, port, labels, environments, category. */
function readCsv(rows: Rows): Raw[] {
  const mark = [',', ';', '\t'].find(sign => rows[0]?.text.includes(sign)) ?? ','
  const head = cells(rows[0]?.text ?? '', mark).map(cell => cell.toLowerCase())
  const isHead =
    head.some(cell => cell === 'address' || cell === 'name') && head.every(cell => asColumn(cell) || cell === '')
  const columns = isHead ? head.map(asColumn) : COLUMNS
  return rows.slice(isHead ? 1 : 0).map(({ line, text }) => {
    const row = cells(text, mark)
    const of = (column: Column) => row[columns.indexOf(column)] || undefined
    const words = (column: Column) =>
      of(column)
        ?.split(/[\s|;,]+/)
        .filter(Boolean)
    const { address, user, port } = parseTarget(of('address') ?? of('name') ?? '')
    return {
      line,
      text,
      name: of('name'),
      address,
      user: of('user') ?? user,
      port: of('port') ?? port,
      labels: words('labels'),
      environments: words('environments'),
      category: of('category'),
    }
  })
}

function asColumn(text: string): Column | undefined {
  const aliases: Record<string, Column> = {
    host: 'name',
    hostname: 'address',
    ip: 'address',
    label: 'labels',
    tags: 'labels',
    environment: 'environments',
    env: 'environments',
    group: 'category',
  }
  return COLUMNS.find(column => column === text) ?? aliases[text]
}

/** The cells of a row; a cell in quotes may hold the mark, and two quotes in it stand for one. */
function cells(row: string, mark: string): string[] {
  const found: string[] = []
  let cell = ''
  let quoted = false
  for (let at = 0; at < row.length; at += 1) {
    const sign = row[at]
    if (sign === '"' && quoted && row[at + 1] === '"') {
      cell += '"'
      at += 1
    } else if (sign === '"') quoted = !quoted
    else if (sign === mark && !quoted) {
      found.push(cell.trim())
      cell = ''
    } else cell += sign
  }
  return [...found, cell.trim()]
}

/** One host a `Host` line; what stands under `Host *` holds for all, and what is under `Match` for none that is known. */
function readSshConfig(rows: Rows): Raw[] {
  const found: Raw[] = []
  const common: Partial<Raw> = {}
  let target: Partial<Raw> = common
  for (const { line, text } of rows) {
    const [, keyword = '', value = ''] = /^(\S+?)(?:\s*=\s*|\s+)(.*)$/.exec(text) ?? []
    if (keyword.toLowerCase() === 'host') {
      const name = value.split(/\s+/)[0] ?? ''
      target =
        name === '*'
          ? common
          : { ...common, line, text, name, ...(/[*?!]/.test(name) ? { why: 'pattern' as const } : {}) }
      if (name !== '*') found.push(target as Raw)
    } else if (keyword.toLowerCase() === 'match') {
      target = { line, text, name: '', address: '', why: 'match' }
      found.push(target as Raw)
    } else if (keyword.toLowerCase() === 'include') {
      found.push({ line, text, address: '', why: 'include' })
    } else setSshKey(target, keyword.toLowerCase(), value.replaceAll('"', ''))
  }
  return found.map(raw => ({
    ...raw,
    user: raw.user ?? common.user,
    port: raw.port ?? common.port,
    address: raw.address || common.address || raw.name || '',
  }))
}

/** As ssh does, the first value of a keyword holds. */
function setSshKey(target: Partial<Raw>, keyword: string, value: string) {
  if (keyword === 'hostname') target.address ||= value
  if (keyword === 'user') target.user ??= value
  if (keyword === 'port') target.port ??= value
}

/** `[address]:port,other ssh-ed25519 AAAA…`: the key comes along and is pinned. */
function readKnownHosts(rows: Rows): Raw[] {
  return rows.map(({ line, text }) => {
    // A key that is revoked, or that of an authority which signs those of hosts, is not the host's own.
    if (text.startsWith('@')) return { line, text, address: '', why: 'marked' as const }
    const [names = '', type = '', key = ''] = text.split(/\s+/)
    if (names.startsWith('|')) return { line, text, address: '', why: 'hashed' as const }
    const first = names.split(',')[0] ?? ''
    const [, inside, port] = /^\[(.+)\]:(\d+)$/.exec(first) ?? []
    return {
      line,
      text,
      address: inside ?? first,
      port,
      hostKey: KEY_TYPES.test(type) && key ? `${type} ${key}` : undefined,
    }
  })
}

/** `deploy@web-1.example.com:2222`. */
function parseTarget(text: string): { address: string; user?: string; port?: string } {
  const [, user, address, port] = /^(?:([^@\s]+)@)?([^@:\s]+)(?::(\d+))?$/.exec(text) ?? []
  return address ? { address, user, port } : { address: text }
}

function toHost(raw: Raw, defaults: ListDefaults): ListedHost {
  const { line, address, port } = raw
  const isAddress = /^[\d.:a-f]+$/i.test(address) && /[.:]/.test(address) && !/[g-z]/i.test(address)
  const name = raw.name ?? (isAddress ? keyFromName(address) : keyFromName(address.split('.')[0] ?? ''))
  const form: HostForm = {
    address,
    user: raw.user ?? defaults.user,
    labels: raw.labels ?? defaults.labels,
    environments: raw.environments ?? defaults.environments,
    category: raw.category ?? defaults.category,
    host_key: raw.hostKey,
  }
  if (port && port !== '22') form.port = Number(port)
  return { line, name: name.toLowerCase(), form: said(form) }
}

function flawIn({ name, form }: ListedHost): LeftOut | undefined {
  if (!form.address) return 'address'
  if (!isItemName(name)) return 'name'
  if (!form.user) return 'user'
  const { port = 22 } = form
  return Number.isInteger(port) && port >= 1 && port <= 65_535 ? undefined : 'port'
}
