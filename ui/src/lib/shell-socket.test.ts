import { describe, expect, it } from 'vitest'
import { openShell, type ShellEnd } from './shell-socket'

class FakeSocket {
  readonly OPEN = 1
  readyState = 1
  binaryType = ''
  sent: (string | Uint8Array)[] = []
  closed = false
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: (() => void) | null = null
  send(data: string | Uint8Array) {
    this.sent.push(data)
  }
  close() {
    this.closed = true
    this.onclose?.()
  }
}

function start() {
  const socket = new FakeSocket()
  const seen = { ready: 0, bytes: [] as number[], idle: [] as number[], ends: [] as ShellEnd[] }
  const shell = openShell({
    url: 'ws://x',
    connect: () => socket as unknown as WebSocket,
    onReady: () => seen.ready++,
    onBytes: bytes => seen.bytes.push(...bytes),
    onIdle: seconds => seen.idle.push(seconds),
    onEnd: end => seen.ends.push(end),
  })
  const say = (message: object) => socket.onmessage?.({ data: JSON.stringify(message) })
  return { socket, seen, shell, say }
}

describe('the wire of a terminal', () => {
  it('passes bytes on as they are, half characters too', () => {
    const { socket, seen } = start()
    socket.onmessage?.({ data: new Uint8Array([0xe4, 0xbd]).buffer })
    socket.onmessage?.({ data: new Uint8Array([0xa0]).buffer })
    expect(seen.bytes).toEqual([0xe4, 0xbd, 0xa0])
  })

  it('sends what is typed as UTF-8, and a long paste in pieces', () => {
    const { socket, shell } = start()
    shell.type('你')
    expect(socket.sent).toEqual([new Uint8Array([0xe4, 0xbd, 0xa0])])
    shell.type('a'.repeat(20_000))
    expect(socket.sent.slice(1).map(piece => piece.length)).toEqual([8192, 8192, 3616])
    shell.send('\u001b[M\u00ff')
    expect(socket.sent.at(-1)).toEqual(new Uint8Array([0x1b, 0x5b, 0x4d, 0xff]))
  })

  it('tells sizes, and says when the shell is there and when it idles', () => {
    const { socket, seen, shell, say } = start()
    say({ type: 'ready' })
    say({ type: 'idle', seconds: 60 })
    shell.resize(120, 40)
    expect([seen.ready, seen.idle]).toEqual([1, [60]])
    expect(socket.sent).toEqual(['{"type":"resize","cols":120,"rows":40}'])
  })

  it('ends once, with the first reason', () => {
    const { socket, seen, say } = start()
    say({ type: 'exit', code: 3, reason: 'exited' })
    socket.onclose?.()
    expect(seen.ends).toEqual([{ reason: 'exited', code: 3, message: '' }])
    expect(socket.closed).toBe(true)
  })

  it('knows a connection that broke from a shell that ended', () => {
    const broken = start()
    broken.socket.onclose?.()
    expect(broken.seen.ends).toEqual([{ reason: 'cut', code: null, message: '' }])
    const refused = start()
    refused.say({ type: 'error', message: 'No answer.' })
    expect(refused.seen.ends).toEqual([{ reason: 'error', code: null, message: 'No answer.' }])
  })

  it('is silent once the page has left', () => {
    const { socket, seen, shell } = start()
    shell.close()
    expect([socket.closed, seen.ends]).toEqual([true, []])
  })

  it('sends nothing into a closed connection', () => {
    const { socket, shell } = start()
    socket.readyState = 3
    shell.type('x')
    shell.resize(80, 24)
    expect(socket.sent).toEqual([])
  })
})
