// A page that could not be opened because its code did not come: davit was upgraded under an open tab, or is away.
import type { RouteLocationNormalized, Router } from 'vue-router'
import { i18n } from '@/i18n'
import { announceFailure } from './notify'

export function recoverFromMissingCode(router: Router) {
  router.onError((_error: unknown, to: RouteLocationNormalized) => void openAfresh(to.fullPath))
}

/** With the server there, a full load fetches the code of its version; without it, what is open stays open. */
async function openAfresh(path: string) {
  const answer = await fetch('/healthz', { cache: 'no-store' }).catch(() => null)
  if (answer?.ok) window.location.assign(path)
  else announceFailure(i18n.global.t('problem.away'))
}
