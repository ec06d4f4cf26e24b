// The wire of a terminal: bytes both ways, and between them what the server says about the shell.
import type { TerminalMessage } from '@/api/types'

/** A paste goes in pieces, so that none is refused for its size. */
const PIECE_BYTES = 8 * 1024

export interface ShellEnd {
  /** One of TERMINAL_ENDS, `error`, or `cut`: the connection broke and nobody said why. */
  reason: string
  code: number | null
  /** For people, when the server said more. */
  message: string
}

export interface ShellOptions {
  url: string
  onReady: () => void
  onBytes: (bytes: Uint8Array) => void
  /** The shell ends in so many seconds, unless something is typed. */
  onIdle: (seconds: number) => void
  /** Once. */
  onEnd: (end: ShellEnd) => void
  /** For tests: what opens a connection. */
  connect?: (url: string) => WebSocket
}

export interface Shell {
  type: (text: string) => void
  /** What is no text: reports of a mouse, one byte a character. */
  send: (binary: string) => void
  resize: (cols: number, rows: number) => void
  close: () => void
}

export function openShell(options: ShellOptions): Shell {
  const socket = (options.connect ?? (url => new WebSocket(url)))(options.url)
  const encoder = new TextEncoder()
  let over = false
  socket.binaryType = 'arraybuffer'

  function end(reason: string, code: number | null = null, message = '') {
    if (over) return
    over = true
    options.onEnd({ reason, code, message })
    socket.close()
  }

  function heed(message: TerminalMessage) {
    if (message.type === 'ready') options.onReady()
    else if (message.type === 'idle') options.onIdle(message.seconds)
    else if (message.type === 'exit') end(message.reason, message.code)
    else if (message.type === 'error') end('error', null, message.message)
  }

  socket.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>) => {
    if (over) return
    if (typeof data !== 'string') options.onBytes(new Uint8Array(data))
    else heed(JSON.parse(data) as TerminalMessage)
  }
  socket.onclose = () => end('cut')

  function sendBytes(bytes: Uint8Array<ArrayBuffer>) {
    if (socket.readyState !== socket.OPEN) return
    for (let at = 0; at < bytes.length; at += PIECE_BYTES) socket.send(bytes.subarray(at, at + PIECE_BYTES))
  }

  return {
    type: text => sendBytes(encoder.encode(text)),
    send: binary => sendBytes(Uint8Array.from(binary, character => character.charCodeAt(0) & 0xff)),
    resize(cols, rows) {
      if (socket.readyState === socket.OPEN) socket.send(JSON.stringify({ type: 'resize', cols, rows }))
    },
    close() {
      over = true
      socket.close()
    },
  }
}
