// The rules of an environment in a few words each.
import { useI18n } from 'vue-i18n'
import { type EnvironmentForm, type FreezeForm, type Gate, WEEKDAYS, type Weekday, type WindowForm } from '@/api/types'
import { useFormats } from '@/i18n'

export function useEnvironmentWords() {
  const { t } = useI18n()
  const { list, moment } = useFormats()

  function days(given: Weekday[] | undefined): string {
    if (!given?.length) return t('weekday.every')
    const span = spanOf(given)
    return span
      ? t('weekday.span', { from: t(`weekday.${span[0]}`), to: t(`weekday.${span[1]}`) })
      : list.value.format(given.map(day => t(`weekday.${day}`)))
  }

  function windowWords({ days: given, from, to, zone }: WindowForm): string {
    return t('environments.window', { days: days(given), from, to, zone })
  }

  function freezeWords(freeze: FreezeForm): string {
    const { from, to, until, zone, reason } = freeze
    const [start, end] = [from.replace('T', ' '), (until ?? to ?? '').replace('T', ' ')]
    const when = until
      ? t('environments.span', { from: start, to: end, zone })
      : t('environments.window', { days: days(freeze.days), from, to: end, zone })
    return t('environments.frozen', { when, reason })
  }

  return {
    review({ review }: EnvironmentForm): string {
      if (!review?.required) return t('environments.noReview')
      return t('environments.review', { n: review.required }, review.required)
    },
    reviewers: ({ review }: EnvironmentForm) => (review?.reviewers ?? []).join(', '),
    branches: ({ branches }: EnvironmentForm) =>
      branches?.length ? branches.join(', ') : t('environments.everyBranch'),
    checks: ({ require_green: green }: EnvironmentForm) =>
      Array.isArray(green)
        ? t('environments.someGreen', { contexts: green.join(', ') })
        : t(green ? 'environments.allGreen' : 'environments.noGreen'),
    /** What keeps it closed, a line each. */
    keeps({ locks, frozen, closed }: Gate): string[] {
      const held = locks.map(({ owner, reason }) => `${t('gate.lockedAll', { owner })} ${reason}`)
      const cold = frozen ? [`${t('gate.frozen', { at: moment(frozen.until) })} ${frozen.reason}`] : []
      if (!closed) return [...held, ...cold]
      return [...held, ...cold, closed.until ? t('gate.closed', { at: moment(closed.until) }) : t('gate.closedForGood')]
    },
    windowWords,
    freezeWords,
    /** When it is open and when frozen, a line each. */
    times({ window = [], freeze = [] }: EnvironmentForm): string[] {
      const windows = window.map(windowWords)
      return [...(windows.length ? windows : [t('environments.always')]), ...freeze.map(freezeWords)]
    },
  }
}

/** The first and the last of three or more days in a row. */
function spanOf(days: Weekday[]): [Weekday, Weekday] | null {
  const at = days.map(day => WEEKDAYS.indexOf(day)).sort((one, other) => one - other)
  const first = WEEKDAYS[at[0] ?? 0]
  const last = WEEKDAYS[at.at(-1) ?? 0]
  const isRow = at.every((place, index) => index === 0 || place === (at[index - 1] ?? 0) + 1)
  return isRow && at.length > 2 && first && last ? [first, last] : null
}
