// Days as a date field writes them, as moments in the reader's time zone.

const DAY = /^\d{4}-\d{2}-\d{2}$/

/** The first moment of a day; undefined for what is no day. */
export function startOfDay(day: string): string | undefined {
  return DAY.test(day) ? momentOf(day, 0) : undefined
}

/** The first moment after a day. */
export function endOfDay(day: string): string | undefined {
  return DAY.test(day) ? momentOf(day, 1) : undefined
}

function momentOf(day: string, later: number): string | undefined {
  const [year = 0, month = 1, date = 1] = day.split('-').map(Number)
  const moment = new Date(year, month - 1, date + later)
  return Number.isNaN(moment.getTime()) ? undefined : moment.toISOString()
}
