const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const

/** "1.8 MB": thousands, as file managers and browsers count. */
export function formatSize(bytes: number, locale: string): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, bytes)) / 3))
  const unit = UNITS[power] ?? 'byte'
  const format = new Intl.NumberFormat(locale, { style: 'unit', unit, unitDisplay: 'short', maximumFractionDigits: 1 })
  return format.format(bytes / 1_000 ** power)
}
