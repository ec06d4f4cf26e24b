// Plays a recording into something that can be written to: forwards by the clock, and to any moment at once.
import type { Cast } from './asciicast'

export interface CastScreen {
  /** Empty, in this size. */
  reset: (cols: number, rows: number) => void
  resize: (cols: number, rows: number) => void
  write: (text: string) => void
}

export interface CastPlayer {
  play: () => void
  pause: () => void
  seek: (seconds: number) => void
  setSpeed: (speed: number) => void
}

export interface PlayerOptions {
  screen: CastScreen
  onChange: (state: { at: number; playing: boolean }) => void
  /** For tests: the time in milliseconds, and what calls again a little later. */
  now?: () => number
  again?: (task: () => void) => () => void
}

/** Often enough to look smooth, seldom enough to cost nothing. */
const TICK_MS = 33

export function createCastPlayer(cast: Cast, options: PlayerOptions): CastPlayer {
  const now = options.now ?? (() => performance.now())
  const again = options.again ?? later
  let next = 0
  let at = 0
  let speed = 1
  let playing = false
  let last = 0
  let cancel = () => {}

  const report = () => options.onChange({ at, playing })

  function rewind() {
    next = 0
    options.screen.reset(cast.cols, cast.rows)
  }

  /** Writes all that happened until `at`. */
  function catchUp() {
    let text = ''
    const flush = () => {
      if (text) options.screen.write(text)
      text = ''
    }
    for (let event = cast.events[next]; event && event.at <= at; event = cast.events[next]) {
      if (event.kind === 'output') text += event.text
      else {
        flush()
        options.screen.resize(event.cols, event.rows)
      }
      next += 1
    }
    flush()
  }

  function tick() {
    const moment = now()
    at = Math.min(cast.length, at + ((moment - last) / 1_000) * speed)
    last = moment
    catchUp()
    playing = at < cast.length
    if (playing) cancel = again(tick)
    report()
  }

  rewind()
  return {
    play() {
      if (playing) return
      if (at >= cast.length) {
        at = 0
        rewind()
      }
      playing = true
      last = now()
      cancel = again(tick)
      report()
    },
    pause() {
      cancel()
      playing = false
      report()
    },
    seek(seconds) {
      const target = Math.max(0, Math.min(cast.length, seconds))
      if (target < at) rewind()
      at = target
      last = now()
      catchUp()
      report()
    },
    setSpeed(value) {
      speed = value
    },
  }
}

function later(task: () => void): () => void {
  const timer = setTimeout(task, TICK_MS)
  return () => clearTimeout(timer)
}
