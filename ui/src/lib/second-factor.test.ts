import { describe, expect, it } from 'vitest'
import { isCode, ownershipOf } from './second-factor'

describe('what shows that an account is one’s own', () => {
  it('takes six digits for a code, however they are spaced', () => {
    expect(['123456', ' 123 456 ', '12 34 56'].map(isCode)).toEqual([true, true, true])
    expect(['', '12345', '1234567', '12345a', '12-3456'].map(isCode)).toEqual([false, false, false, false, false])
    expect(ownershipOf(' 123 456')).toEqual({ code: '123456' })
  })

  it('takes anything else for the password, to the letter', () => {
    expect(ownershipOf(' correct horse ')).toEqual({ password: ' correct horse ' })
  })
})
