import { describe, expect, it } from 'vitest'
import { makeTranslate } from './server-words'

const translate = makeTranslate(
  {
    'there is no app named {}': '没有名为 {0} 的应用',
    'deployment {}': '发布 {0}',
    'the deployment': '该发布',
    'be reverted': '回退',
    '{} is {}: it can’t {} now': '{0}的状态是 {1}：现在不能{2}',
    '{} of {} hosts failed ({}); what ran there stays as it is. The others are through':
      '{1} 台主机中有 {0} 台失败（{2}）；那里运行的内容保持不变。其余主机已完成',
    '{} does not exist': '{0} 不存在',
    'host {} of deployment {}': '发布 {1} 的主机 {0}',
    '{} must be one of {}, not {}{}': '{0} 必须是以下之一：{1}，而不是 {2}{3}',
    ': did you mean {}?': '：你是想写 {0} 吗？',
    ', in batch {}': '，在第 {0} 批',
    'the repository can’t be fetched: {}': '无法获取仓库：{0}',
    'its login was refused. Check the credential.': '登录被拒绝。请检查凭据。',
    'the health check after {} failed {} times': '{0} 之后的健康检查失败 {1} 次',
    ' (os error {})': '（os error {0}）',
    '{} must be {}, not {}': '{0} 必须是{1}，而不是{2}',
    'true or false': 'true 或 false',
    '{} is locked by {}: {}': '{0} 已被 {1} 锁定：{2}',
    ', until {}': '，至 {0}',
    'a string': '一个字符串',
    'request {} is {}: it goes out at no time any more': '申请 {0} 的状态是 {1:word}：已不会在任何时间发布',
    'there is no shell `{}`, and command lines with `{0}`': '没有 shell `{0}`，以及带 `{{0}}` 的命令行',
  },
  { awaiting_review: '待审核' },
)
const say = (text: string) => translate(text).text

describe('what the server says', () => {
  it('is found whole, with what was filled in', () => {
    expect(translate('there is no app named shop')).toEqual({ text: '没有名为 shop 的应用', known: true })
    expect(say('There is no app named shop.')).toBe('没有名为 shop 的应用。')
  })

  it('keeps names that have punctuation or words of other sentences in them', () => {
    expect(say('there is no app named shop; prod: a. b')).toBe('没有名为 shop; prod: a. b 的应用')
    expect(say('there is no app named does not exist')).toBe('没有名为 does not exist 的应用')
    expect(say('there is no app named "{0} $& {}"')).toBe('没有名为 "{0} $& {}" 的应用')
  })

  it('translates what was filled in, and leaves no space between Chinese words', () => {
    expect(say('host web-1 of deployment 7 does not exist')).toBe('发布 7 的主机 web-1 不存在')
    expect(say('the deployment is failed: it can’t be reverted now')).toBe('该发布的状态是 failed：现在不能回退')
    expect(say('the repository can’t be fetched: its login was refused. Check the credential')).toBe(
      '无法获取仓库：登录被拒绝。请检查凭据',
    )
  })

  it('fills several gaps that touch', () => {
    expect(say('kind must be one of a, b, not "c": did you mean b?')).toBe(
      'kind 必须是以下之一：a, b，而不是 "c"：你是想写 b 吗？',
    )
    expect(say('kind must be one of a, b, not "c"')).toBe('kind 必须是以下之一：a, b，而不是 "c"')
  })

  it('puts a space between Chinese and Latin words only', () => {
    expect(say('merge must be a string, not true or false')).toBe('merge 必须是一个字符串，而不是 true 或 false')
    expect(say('`merge` must be true or false, not a string')).toBe('`merge` 必须是 true 或 false，而不是一个字符串')
  })

  it('has words for states and for lists of names', () => {
    expect(say('request 7 is awaiting review: it goes out at no time any more')).toBe(
      '申请 7 的状态是待审核：已不会在任何时间发布',
    )
    expect(say('request 7 is strange: it goes out at no time any more')).toBe(
      '申请 7 的状态是 strange：已不会在任何时间发布',
    )
    expect(say('kind must be `a`, `b` or `c`, not a string')).toBe('kind 必须是 `a`、`b` 或 `c`，而不是一个字符串')
    expect(say('there is no app named this and that thing')).toBe('没有名为 this and that thing 的应用')
    expect(translate('salt and pepper')).toEqual({ text: 'salt and pepper', known: false })
  })

  it('knows no word that is none of its own', () => {
    expect(say('request 7 is constructor: it goes out at no time any more')).toBe(
      '申请 7 的状态是 constructor：已不会在任何时间发布',
    )
    expect(translate('constructor').known).toBe(false)
  })

  it('finds the sentence around many lines of another program', () => {
    const lines = Array.from({ length: 40 }, (_, index) => `remote: line ${index}`).join('\n')
    expect(say(`the repository can’t be fetched: ${lines}`)).toBe(`无法获取仓库：${lines}`)
  })

  it('takes a short one only with a name in its gap', () => {
    expect(say('deployment 7')).toBe('发布 7')
    expect(translate('deployment was a bad idea').known).toBe(false)
    expect(translate('make: stopped; deployment 7').known).toBe(false)
  })

  it('translates what stands before a short end', () => {
    expect(say('staging is locked by ana: Renewing; wait. Thanks, until 2026-01-31T12:00:00Z')).toBe(
      'staging 已被 ana 锁定：Renewing; wait. Thanks，至 2026-01-31T12:00:00Z',
    )
  })

  it('translates what stands before brackets at the end', () => {
    expect(say('the repository can’t be fetched: deployment 7 does not exist (os error 2)')).toBe(
      '无法获取仓库：发布 7 不存在（os error 2）',
    )
  })

  it('is found piece by piece, the longest run first', () => {
    expect(say('web-1: there is no app named shop. deployment 7 does not exist')).toBe(
      'web-1：没有名为 shop 的应用。发布 7 不存在',
    )
    expect(
      say(
        '1 of 3 hosts failed (web-1); what ran there stays as it is. The others are through; deployment 4 does not exist',
      ),
    ).toBe('3 台主机中有 1 台失败（web-1）；那里运行的内容保持不变。其余主机已完成；发布 4 不存在')
    expect(say('web-1 serves it, in batch 2')).toBe('web-1 serves it，在第 2 批')
  })

  it('stays as it is where nobody has translated it', () => {
    for (const text of [
      '',
      '42',
      'ssh: connect to host web-1 port 22: Connection refused',
      'a, b; c. d.',
      '没有应用',
      '...',
    ]) {
      expect(translate(text)).toEqual({ text, known: false })
    }
    expect(say('the repository can’t be fetched: fatal: early EOF. Sorry.')).toBe(
      '无法获取仓库：fatal: early EOF. Sorry。',
    )
  })

  it('writes a number in braces when the English has one', () => {
    expect(say('there is no shell `fish`, and command lines with `{0}`')).toBe(
      '没有 shell `fish`，以及带 `{0}` 的命令行',
    )
  })

  it('is not confused by a template whose words are all in another sentence', () => {
    expect(translate('no app named shop is there')).toEqual({ text: 'no app named shop is there', known: false })
    expect(translate('the health check after times failed')).toEqual({
      text: 'the health check after times failed',
      known: false,
    })
  })

  it('ends for a text of any shape', () => {
    // What makes a naive matcher take minutes: the beginnings of templates again and again, and no end of any.
    for (const text of [
      'is : it can’t '.repeat(280),
      'not , must be one of '.repeat(190),
      '. ; : , '.repeat(500),
      'x. '.repeat(1300),
    ]) {
      expect(translate(text).known).toBe(false)
    }
  })
})
