// One key for one intent: the same form sent twice is the same request, a changed form is another.
import { randomKey } from './browser'

export function idempotencyKeys() {
  let lastPayload = ''
  let key = ''
  return function keyFor(payload: unknown): string {
    const text = JSON.stringify(payload)
    if (text !== lastPayload || key === '') {
      lastPayload = text
      key = randomKey()
    }
    return key
  }
}
