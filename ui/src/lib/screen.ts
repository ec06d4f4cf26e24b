// xterm.js in davit's colours. Import this file lazily: the emulator is large, and few pages need it.
import { FitAddon } from '@xterm/addon-fit'
import { type ITheme, Terminal } from '@xterm/xterm'
import '@xterm/xterm/css/xterm.css'

export interface Screen {
  terminal: Terminal
  /** As many columns and rows as there is room for. */
  fit: () => { cols: number; rows: number }
  dispose: () => void
}

export function createScreen(element: HTMLElement, options: { label: string; readOnly?: boolean }): Screen {
  const style = getComputedStyle(element)
  const terminal = new Terminal({
    theme: themeFrom(style),
    fontFamily: style.getPropertyValue('--mono').trim(),
    fontSize: 13,
    lineHeight: 1.2,
    scrollback: 5_000,
    cursorBlink: !options.readOnly,
    disableStdin: options.readOnly ?? false,
    macOptionIsMeta: true,
    minimumContrastRatio: 4.5,
  })
  const fitter = new FitAddon()
  terminal.loadAddon(fitter)
  terminal.open(element)
  terminal.textarea?.setAttribute('aria-label', options.label)
  return {
    terminal,
    fit() {
      fitter.fit()
      return { cols: terminal.cols, rows: terminal.rows }
    },
    dispose: () => terminal.dispose(),
  }
}

function themeFrom(style: CSSStyleDeclaration): ITheme {
  const colour = (name: string) => style.getPropertyValue(name).trim()
  return {
    background: colour('--log-bg'),
    foreground: colour('--log-ink'),
    cursor: colour('--lamp'),
    cursorAccent: colour('--log-bg'),
    selectionBackground: '#2f5b60',
  }
}
