// The title of the browser's tab.
import { type MaybeRefOrGetter, toValue, watchEffect } from 'vue'

export function usePageTitle(title: MaybeRefOrGetter<string>) {
  watchEffect(() => {
    document.title = `${toValue(title)} · davit`
  })
}
