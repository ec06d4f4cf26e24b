// What an authenticator app shows: RFC 6238 with SHA-1, six digits, thirty seconds.
import { createHmac } from 'node:crypto'

const STEP_S = 30
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'

/** The code of the step that is now, or of one so many steps later. */
export function totp(secret: string, later = 0): string {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(Date.now() / 1_000 / STEP_S) + later))
  const mac = createHmac('sha1', base32(secret)).update(counter).digest()
  const offset = (mac.at(-1) ?? 0) & 15
  return String((mac.readUInt32BE(offset) & 0x7fff_ffff) % 1_000_000).padStart(6, '0')
}

/** A code that is not the one of now, nor of any step around it. */
export function wrongTotp(secret: string): string {
  const right = [-2, -1, 0, 1, 2, 3].map(later => totp(secret, later))
  return ['000000', '111111', '222222', '333333', '444444', '555555', '666666'].find(code => !right.includes(code)) ?? ''
}

function base32(text: string): Buffer {
  const bits = [...text.replaceAll(/[\s=]/g, '')].map(letter => ALPHABET.indexOf(letter).toString(2).padStart(5, '0')).join('')
  return Buffer.from((bits.match(/.{8}/g) ?? []).map(byte => Number.parseInt(byte, 2)))
}
