// The form of one item of the configuration: kept over a reload together with what its author saw, checked by the server
// while it is filled in, and saved only where nobody else has changed the item meanwhile.
import { useQueryClient } from '@tanstack/vue-query'
import { computed, type Ref, watch } from 'vue'
import { useI18n } from 'vue-i18n'
import { keysOf } from '@/api/queries'
import type { PutBody } from '@/api/types'
import { useServerWords } from '@/i18n/server-words'
import { type Action, useAction } from './action'
import { useFormDraft } from './form-draft'
import { fieldProblems, flawOf, useItemCheck } from './item-form'
import { confirmDone } from './notify'

export interface ItemEditor<Fields, Form> {
  /** Names the draft. */
  draftKey: string
  /** What is in force now; null: nothing is. */
  current: () => Form | null
  toFields: (form: Form | null) => Fields
  toForm: (fields: Fields) => Form
  /** The values of secrets that were typed. */
  secrets?: (fields: Fields) => Record<string, string>
  /** Sends it; nothing while the item has no name that could be sent. */
  put: (fields: Fields, body: PutBody<Form>, signal?: AbortSignal) => Promise<unknown> | undefined
  /** Forgets what was typed beside the fields, such as secrets. */
  forget?: () => void
  /** Where to go when it is saved. */
  saved: (fields: Fields) => Promise<unknown>
}

/** What the frame of a form needs of it (ItemForm.vue). */
export interface EditedItem {
  save: Action<[], void>
  /** Whether something was typed that is not saved. */
  touched: () => boolean
  /** Whether somebody else has saved another one since this form was begun. */
  newer: Readonly<Ref<boolean>>
  /** Starts over with what is in force now. */
  discard: () => void
}

export function useItemEditor<Fields extends object, Form>(item: ItemEditor<Fields, Form>) {
  const { t } = useI18n()
  const { toWords } = useServerWords()
  const queryClient = useQueryClient()
  const start = () => ({ fields: item.toFields(item.current()), seen: item.current() as unknown })
  const draft = useFormDraft(item.draftKey, start())
  // A tab may have kept a draft of before an upgrade: what that form did not ask is as it is in force.
  draft.form.fields = { ...start().fields, ...draft.form.fields }
  const fields = computed({
    get: () => draft.form.fields as Fields,
    set: value => {
      draft.form.fields = value
    },
  })
  const body = computed(() => ({ form: item.toForm(fields.value), base: draft.form.seen as Form | null }))
  const check = useItemCheck(
    () => [fields.value, body.value],
    signal => item.put(fields.value, { ...body.value, dry_run: true }, signal),
  )
  const save = useAction(async () => {
    const secrets = item.secrets?.(fields.value) ?? {}
    const given = Object.keys(secrets).length ? { secrets } : {}
    await item.put(fields.value, { ...body.value, ...given })
    const after = { ...fields.value }
    draft.reset()
    confirmDone(t('newApp.saved'))
    await Promise.all(keysOf('config').map(topic => queryClient.invalidateQueries({ queryKey: [topic] })))
    await item.saved(after)
  })
  const newer = computed(() => JSON.stringify(draft.form.seen) !== JSON.stringify(item.current()))

  function discard() {
    save.reset()
    item.forget?.()
    draft.reset(start())
  }

  // Where nothing was typed, there is nothing to lose.
  watch(newer, isNewer => {
    if (isNewer && !draft.touched()) discard()
  })

  const problems = computed(() => toWords([...check.problems.value, ...fieldProblems(save.error.value)]))
  const editor: EditedItem = { save, touched: draft.touched, newer, discard }
  return {
    fields,
    editor,
    /** What is wrong with a field, in a sentence; empty: nothing. */
    flaw: (field: string) => flawOf(problems.value, field),
  }
}
