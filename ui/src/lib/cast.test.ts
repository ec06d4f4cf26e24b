import { describe, expect, it } from 'vitest'
import { parseCast, withoutPauses } from './asciicast'
import { createCastPlayer } from './cast-player'

const RECORDING = `{"version": 2, "width": 80, "height": 24, "timestamp": 1763700000}
[0.5, "o", "$ "]
[1.5, "o", "ls\\r\\n"]
[1.5, "r", "100x30"]
[31.5, "o", "你好"]
[40, "i", "never recorded"]
[32.0, "o", "cut of`

describe('a recording', () => {
  it('is read, up to a line that was cut off', () => {
    const cast = parseCast(RECORDING)
    expect([cast.cols, cast.rows, cast.length]).toEqual([80, 24, 31.5])
    expect(cast.events).toEqual([
      { at: 0.5, kind: 'output', text: '$ ' },
      { at: 1.5, kind: 'output', text: 'ls\r\n' },
      { at: 1.5, kind: 'resize', cols: 100, rows: 30 },
      { at: 31.5, kind: 'output', text: '你好' },
    ])
  })

  it('is refused when it is something else', () => {
    for (const text of ['', 'hello', '{"version": 1}', '<html>']) expect(() => parseCast(text)).toThrow('no recording')
  })

  it('loses its pauses, not its order', () => {
    const short = withoutPauses(parseCast(RECORDING), 2)
    expect(short.events.map(event => event.at)).toEqual([0.5, 1.5, 1.5, 3.5])
    expect(short.length).toBe(3.5)
  })
})

describe('the player', () => {
  function start() {
    let clock = 0
    let task: (() => void) | null = null
    let written = ''
    const states: { at: number; playing: boolean }[] = []
    const player = createCastPlayer(parseCast(RECORDING), {
      screen: {
        reset: (cols, rows) => {
          written = `[${cols}x${rows}]`
        },
        resize: (cols, rows) => {
          written += `[${cols}x${rows}]`
        },
        write: text => {
          written += text
        },
      },
      onChange: state => states.push(state),
      now: () => clock,
      again: next => {
        task = next
        return () => {
          task = null
        }
      },
    })
    const pass = (ms: number) => {
      clock += ms
      const due = task
      task = null
      due?.()
    }
    return { player, pass, states, screen: () => written, last: () => states.at(-1), waits: () => task !== null }
  }

  it('writes what is due, and stops at the end', () => {
    const { player, pass, screen, last, waits } = start()
    player.play()
    pass(1_000)
    expect(screen()).toBe('[80x24]$ ')
    pass(600)
    expect(screen()).toBe('[80x24]$ ls\r\n[100x30]')
    pass(60_000)
    expect(screen()).toContain('你好')
    expect([last(), waits()]).toEqual([{ at: 31.5, playing: false }, false])
  })

  it('goes faster, and stands still', () => {
    const { player, pass, screen, last } = start()
    player.setSpeed(4)
    player.play()
    pass(400)
    expect(screen()).toBe('[80x24]$ ls\r\n[100x30]')
    player.pause()
    pass(60_000)
    expect(last()).toEqual({ at: 1.6, playing: false })
  })

  it('goes to any moment, back too', () => {
    const { player, screen, last } = start()
    player.seek(31.5)
    expect(screen()).toContain('你好')
    player.seek(0.6)
    expect([screen(), last()?.at]).toEqual(['[80x24]$ ', 0.6])
    player.seek(-5)
    expect([screen(), last()?.at]).toEqual(['[80x24]', 0])
  })

  it('starts over after the end', () => {
    const { player, pass, screen } = start()
    player.seek(31.5)
    player.play()
    pass(600)
    expect(screen()).toBe('[80x24]$ ')
  })
})
