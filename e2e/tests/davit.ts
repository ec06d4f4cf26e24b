// The real binary as a child process: `davit demo` with its sample app and hosts, or an empty `davit serve`.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { expect, type Page } from '@playwright/test'

const BINARY = resolve(process.env.DAVIT_BIN ?? join(import.meta.dirname, '../../target/debug/davit'))

export class Davit {
  private constructor(
    private readonly child: ChildProcess,
    private readonly dir: string,
    readonly output: string,
    readonly url: string,
  ) {}

  /** The demo, after it has released and rolled back; below `dir` when its paths are to be read by people. */
  static demo(dir?: string): Promise<Davit> {
    return Davit.start(own => ['demo', '--listen', '127.0.0.1:0', '--dir', dir ?? join(own, 'demo')], /Ctrl-C stops everything.*\n/)
  }

  /** A server without an account. */
  static empty(): Promise<Davit> {
    return Davit.start(dir => ['serve', '--listen', '127.0.0.1:0', '--data-dir', join(dir, 'data')], /one-time code:\s+\S+\n/)
  }

  private static async start(args: (dir: string) => string[], ready: RegExp): Promise<Davit> {
    const dir = await mkdtemp(join(tmpdir(), 'davit-e2e-'))
    const child = spawn(BINARY, args(dir), { stdio: ['ignore', 'pipe', 'inherit'] })
    const output = await new Promise<string>((done, failed) => {
      let text = ''
      child.stdout.setEncoding('utf8').on('data', (part: string) => {
        text += part
        if (ready.test(text)) done(text)
      })
      child.once('error', failed)
      child.once('exit', code => failed(new Error(`davit ended with ${code}:\n${text}`)))
    })
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0] ?? ''
    return new Davit(child, dir, output, url)
  }

  /** What the server printed after a label. */
  printed(pattern: RegExp): string {
    const found = pattern.exec(this.output)?.[1]
    if (!found) throw new Error(`${pattern} is not in:\n${this.output}`)
    return found
  }

  get password(): string {
    return this.printed(/password\s+(\S+)/)
  }

  async stop(): Promise<void> {
    const ended = new Promise<void>(done => {
      if (this.child.exitCode !== null || this.child.signalCode !== null) done()
      else this.child.once('exit', () => done())
    })
    this.child.kill('SIGTERM')
    await ended
    // A program that davit left behind may still be writing.
    await rm(this.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 })
  }
}

/** Logs in as the demo's administrator. */
export async function logIn(page: Page, davit: Davit): Promise<void> {
  await logInAs(page, davit, 'admin', davit.password)
}

export async function logInAs(page: Page, davit: Davit, name: string, password: string): Promise<void> {
  await page.goto(davit.url)
  await page.getByTestId('login-name').fill(name)
  await page.getByTestId('login-password').fill(password)
  await page.getByTestId('login-submit').click()
  await expect(page.getByTestId('matrix')).toBeVisible()
}

/** Resolves once a message with these words was shown. It leaves by itself, so this is called before what brings it. */
export function messageOf(page: Page, words: string): Promise<unknown> {
  const isShown = (text: string) => [...document.querySelectorAll('.el-message')].some(each => each.textContent?.includes(text))
  return page.waitForFunction(isShown, words)
}

/** What the page did that no page may: ask any other host for anything, or throw. */
export function watch(page: Page, davit: Davit): string[] {
  const problems: string[] = []
  page.on('request', request => {
    const url = request.url()
    if (!url.startsWith(davit.url) && !url.startsWith('data:') && !url.startsWith('blob:')) problems.push(`request to ${url}`)
  })
  page.on('pageerror', error => problems.push(`error: ${error.message}`))
  // What a component throws ends here; an answer that is no success is the page's own business.
  page.on('console', message => {
    // Who leaves a page while its charts still load breaks off their style sheet, and the loader says so.
    const isExpected = /^Failed to load resource|Unable to preload CSS/.test(message.text())
    if (message.type() === 'error' && !isExpected) problems.push(`error: ${message.text()}`)
  })
  return problems
}
