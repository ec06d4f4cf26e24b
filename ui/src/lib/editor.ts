// What every code editor of the UI has: its keys, its search, its own words in the reader's language, its colours.
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { findNext, findPrevious, openSearchPanel, search } from '@codemirror/search'
import { EditorState, type Extension } from '@codemirror/state'
import { drawSelection, highlightActiveLine, keymap } from '@codemirror/view'
import { tags } from '@lezer/highlight'
import { useI18n } from 'vue-i18n'

const findKeys = [
  { key: 'Mod-f', run: openSearchPanel },
  { key: 'F3', run: findNext, shift: findPrevious, preventDefault: true },
  { key: 'Mod-g', run: findNext, shift: findPrevious, preventDefault: true },
]

const colours = HighlightStyle.define([
  { tag: tags.comment, color: 'var(--ink-faint)', fontStyle: 'italic' },
  { tag: tags.string, color: 'var(--ok)' },
  { tag: [tags.number, tags.bool, tags.atom], color: 'var(--undo)' },
  { tag: [tags.propertyName, tags.keyword, tags.standard(tags.variableName)], color: 'var(--run)' },
])

/** The extensions, made when an editor is: the words are those of the language at that time. */
export function useEditorBasics(): () => Extension[] {
  const { t } = useI18n()
  return () => [
    highlightActiveLine(),
    drawSelection(),
    history(),
    search({ top: true }),
    keymap.of([...findKeys, ...historyKeymap, ...defaultKeymap]),
    syntaxHighlighting(colours),
    EditorState.phrases.of({
      Find: t('editor.find'),
      Replace: t('editor.replaceWith'),
      next: t('editor.next'),
      previous: t('editor.previous'),
      all: t('editor.all'),
      'match case': t('editor.matchCase'),
      regexp: t('editor.regexp'),
      'by word': t('editor.byWord'),
      replace: t('editor.replace'),
      'replace all': t('editor.replaceAll'),
      close: t('action.close'),
      'current match': t('editor.currentMatch'),
      'on line': t('editor.onLine'),
      'replaced match on line $': t('editor.replacedOne'),
      'replaced $ matches': t('editor.replacedMany'),
      Diagnostics: t('editor.diagnostics'),
    }),
  ]
}
