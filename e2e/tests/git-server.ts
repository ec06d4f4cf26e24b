// A git repository over HTTP, as `git http-backend` serves it, and a working copy of it to write commits with.
import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const AUTHOR = ['-c', 'user.name=ann', '-c', 'user.email=ann@example.com']

export class GitServer {
  private constructor(
    private readonly dir: string,
    private readonly name: string,
  ) {}

  static async start(name: string): Promise<GitServer> {
    const server = new GitServer(await mkdtemp(join(tmpdir(), 'davit-e2e-git-')), name)
    await run('git', ['init', '--quiet', '--bare', '--initial-branch=main', server.bare])
    // What forges allow: any commit that they know may be asked for.
    await run('git', ['-C', server.bare, 'config', 'uploadpack.allowAnySHA1InWant', 'true'])
    await run('git', ['init', '--quiet', '--initial-branch=main', server.work])
    return server
  }

  stop(): Promise<void> {
    return rm(this.dir, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 })
  }

  /** Writes files on a branch, which begins at `main` when it is new, and pushes it; the commit. */
  async commit(branch: string, message: string, files: Record<string, string>): Promise<string> {
    const known = await this.git('rev-parse', '--verify', '--quiet', `refs/heads/${branch}`).catch(() => null)
    if (known) await this.git('checkout', '--quiet', branch)
    else await this.git('checkout', '--quiet', '-B', branch)
    for (const [name, content] of Object.entries(files)) {
      await mkdir(dirname(join(this.work, name)), { recursive: true })
      await writeFile(join(this.work, name), content)
    }
    await this.git('add', '--all')
    await this.git('commit', '--quiet', '--message', message)
    await this.git('push', '--quiet', '--force', this.bare, branch)
    const commit = await this.git('rev-parse', 'HEAD')
    await this.git('checkout', '--quiet', 'main')
    return commit
  }

  /** Points a reference of the server, such as that of a pull request, to a commit it has. */
  async point(reference: string, commit: string): Promise<void> {
    await run('git', ['-C', this.bare, 'update-ref', reference, commit])
  }

  /** Merges a commit into `main`; the merge. */
  async merge(commit: string, message: string): Promise<string> {
    await this.git('checkout', '--quiet', 'main')
    await this.git('merge', '--quiet', '--no-ff', '--message', message, commit)
    await this.git('push', '--quiet', this.bare, 'main')
    return this.git('rev-parse', 'HEAD')
  }

  /** Answers a request to `/owner/name.git/…`. */
  serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', 'http://git')
    const env = {
      ...process.env,
      GIT_PROJECT_ROOT: this.dir,
      GIT_HTTP_EXPORT_ALL: '1',
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      PATH_INFO: url.pathname,
      QUERY_STRING: url.search.slice(1),
      REQUEST_METHOD: request.method ?? 'GET',
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
    }
    const child = spawn('git', ['http-backend'], { env, stdio: ['pipe', 'pipe', 'inherit'] })
    // git may answer before it has read everything.
    child.stdin.on('error', () => {})
    request.pipe(child.stdin)
    let head: Buffer | null = Buffer.alloc(0)
    child.stdout.on('data', (part: Buffer) => {
      if (head === null) return void response.write(part)
      head = Buffer.concat([head, part])
      const end = head.indexOf('\r\n\r\n')
      if (end < 0) return
      const lines = head.subarray(0, end).toString().split('\r\n')
      const headers = lines.map(line => line.split(/:\s*/, 2) as [string, string])
      const status = headers.find(([name]) => name === 'Status')?.[1]
      response.writeHead(status ? Number.parseInt(status, 10) : 200, Object.fromEntries(headers.filter(([name]) => name !== 'Status')))
      response.write(head.subarray(end + 4))
      head = null
    })
    child.once('close', () => response.end())
  }

  private get bare(): string {
    return join(this.dir, `${this.name}.git`)
  }

  private get work(): string {
    return join(this.dir, 'work')
  }

  private async git(...args: string[]): Promise<string> {
    const { stdout } = await run('git', ['-C', this.work, ...AUTHOR, ...args])
    return stdout.trim()
  }
}
