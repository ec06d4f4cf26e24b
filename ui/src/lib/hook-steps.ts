// The steps of entering a hook by hand at each kind of forge; their words are messages under `hookSteps`.
import type { ForgeKind } from '@/api/types'

/** `secret` reads as `token` or `signed`, by how the forge is configured to sign. */
export const HOOK_STEPS: Record<ForgeKind, readonly string[]> = {
  github: ['open', 'url', 'secret', 'events', 'save'],
  gitlab: ['open', 'url', 'secret', 'events', 'save'],
  gitea: ['open', 'url', 'secret', 'events', 'private', 'save'],
  gitee: ['open', 'url', 'secret', 'events', 'tls', 'save'],
  generic: ['url', 'secret', 'fields', 'save'],
}
