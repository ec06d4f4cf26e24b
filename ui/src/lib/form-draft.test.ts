import { beforeEach, describe, expect, it } from 'vitest'
import { nextTick } from 'vue'
import { forgetDrafts } from './draft'
import { useFormDraft } from './form-draft'

const start = () => ({ title: '', apps: ['shop'] })

beforeEach(() => sessionStorage.clear())

describe('useFormDraft', () => {
  it('keeps what was typed for the next visit, deep down too', async () => {
    const { form } = useFormDraft('form', start())
    form.title = 'Faster'
    form.apps.push('blog')
    await nextTick()
    expect(useFormDraft('form', start()).form).toEqual({ title: 'Faster', apps: ['shop', 'blog'] })
  })

  it('keeps nothing once it is as it began, and starts over when told', async () => {
    const draft = useFormDraft('form', start())
    draft.form.title = 'x'
    await nextTick()
    expect(draft.touched()).toBe(true)
    draft.form.title = ''
    await nextTick()
    expect(sessionStorage.getItem('form')).toBeNull()
    draft.form.title = 'y'
    draft.reset({ title: 'saved', apps: [] })
    await nextTick()
    expect(draft.form).toEqual({ title: 'saved', apps: [] })
    expect(draft.touched()).toBe(false)
    expect(sessionStorage.getItem('form')).toBeNull()
  })

  it('begins anew when what is kept cannot be read', () => {
    sessionStorage.setItem('form', '{broken')
    expect(useFormDraft('form', start()).form).toEqual(start())
  })
})

describe('forgetDrafts', () => {
  it('leaves nothing to whoever signs in next in the tab', async () => {
    useFormDraft('davit.host:new', start()).form.title = 'web-1'
    sessionStorage.setItem('another', 'program')
    await nextTick()
    forgetDrafts()
    expect(Object.keys(sessionStorage)).toEqual(['another'])
  })
})
