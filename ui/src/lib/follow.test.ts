import { expect, it } from 'vitest'
import { follow } from './follow'

it('takes what was saved, and keeps what was typed', () => {
  const form = { name: '', email: '' }
  follow(form, { name: 'Mei', email: 'mei@example.com' }, undefined)
  expect(form).toEqual({ name: 'Mei', email: 'mei@example.com' })
  form.email = 'mei@exam'
  follow(form, { name: 'Mei Li', email: 'mei@example.com' }, { name: 'Mei', email: 'mei@example.com' })
  expect(form).toEqual({ name: 'Mei Li', email: 'mei@exam' })
})

it('takes what was sent as it was saved, and keeps what was typed while it was sent', () => {
  const form = { name: ' Mei ', email: 'mei@exam' }
  const typed = { ...form }
  form.email = 'mei@example.com'
  follow(form, { name: 'Mei', email: 'mei@exam' }, typed)
  expect(form).toEqual({ name: 'Mei', email: 'mei@example.com' })
})
