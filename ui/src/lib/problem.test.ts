import { afterEach, describe, expect, it } from 'vitest'
import { createApp, defineComponent, h } from 'vue'
import { createI18n } from 'vue-i18n'
import { ApiError } from '@/api/client'
import zhCN from '@/i18n/zh-CN.json'
import en from '@/i18n/en.json'
import { startServerWords, useServerWords } from '@/i18n/server-words'
import { type Locale, locale } from './preferences'
import { useProblem } from './problem'

/** An expression of a workflow, with nothing in it. */
const EMPTY = '`$' + '{{ }}`'

/** What a page in this language says about an error. */
function reasonIn(language: Locale, error: unknown): string {
  locale.value = language
  let reason = ''
  const page = defineComponent(() => {
    reason = useProblem().reason(error)
    return () => h('p')
  })
  const i18n = createI18n({ legacy: false, locale: language, messages: { en, 'zh-CN': zhCN } })
  createApp(page).use(i18n).mount(document.createElement('div'))
  return reason
}

const missing = (detail: string) => new ApiError({ status: 404, code: 'not_found', detail })

afterEach(() => {
  locale.value = 'en'
})

describe('a problem', () => {
  it('is told in the words of the server, in Chinese where they are known', async () => {
    await startServerWords()
    expect(reasonIn('en', missing('there is no app named shop'))).toBe('there is no app named shop')
    expect(reasonIn('zh-CN', missing('there is no app named shop'))).toBe('没有名为 shop 的应用')
  })

  it('has a Chinese sentence before one that stays English', async () => {
    await startServerWords()
    const detail = 'nobody has translated this yet'
    expect(reasonIn('zh-CN', missing(detail))).toBe(`${zhCN.problem.not_found} ${detail}`)
    expect(reasonIn('zh-CN', missing(''))).toBe(zhCN.problem.not_found)
    expect(reasonIn('zh-CN', new Error('of the page itself'))).toBe(zhCN.problem.unexpected)
  })
})

describe('sentences of the server', () => {
  it('have the states that pages have, and nothing said is nothing shown', async () => {
    await startServerWords()
    locale.value = 'zh-CN'
    const { inWords, toWords } = useServerWords()
    expect(inWords('request 7 is awaiting_review: it goes out at no time any more')).toBe(
      '申请 7 的状态是待审核：已不会在任何时间发布',
    )
    expect(inWords('`fooo` is not supported in a job; supported are name')).toBe(
      '`fooo` 不受支持，所在位置：作业；支持的有 name',
    )
    expect(inWords(`it is not in ${EMPTY}`)).toBe(`它不在 ${EMPTY} 中`)
    expect(inWords('step 6 (after release) on web-1 ended with exit 7')).toBe(
      'web-1 上的步骤 6（发布后）结束：退出码 7',
    )
    expect(inWords(null)).toBe('')
    expect(toWords([{ field: 'name', message: '`name` must not be empty' }])).toEqual([
      { field: 'name', message: '`name` 不能为空' },
    ])
  })

  it('leave what people and programs write as it is', async () => {
    await startServerWords()
    locale.value = 'zh-CN'
    const { said } = useServerWords()
    const texts = [
      'build broken',
      'run tests',
      'request timeout',
      'fix: run migrations',
      'deployment script',
      'making tea',
    ]
    for (const text of texts) expect(said(text)).toEqual({ text, known: false })
    expect(said('there is no group named build team').text).toBe('没有名为 build team 的用户组')
    expect(said('production is locked by ana: run tests, until 2026-12-01T00:00:00Z').text).toBe(
      'production 已被 ana 锁定至 2026-12-01T00:00:00Z：run tests',
    )
    expect(said("production is locked by ana: X can't be read").text).toBe("production 已被 ana 锁定：X can't be read")
    expect(said('production is locked by bo: not now. Try later.').text).toBe(
      'production 已被 bo 锁定：not now. Try later.',
    )
  })

  it('are found after who cancelled, and after the mark that joins them to others', async () => {
    await startServerWords()
    locale.value = 'zh-CN'
    const { inWords } = useServerWords()
    expect(inWords('cancelled by ana: nothing of it was running any more')).toBe('由 ana 取消：它已没有任何进程在运行')
    expect(inWords('cancelled by ana: web-1 was not reached again')).toBe('由 ana 取消：未能再次连接 web-1')
    expect(inWords('; /tmp/x could not be removed: Permission denied')).toBe('；无法移除 /tmp/x：权限不足')
  })
})
