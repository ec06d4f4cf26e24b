// A Gitea with one repository: as much of its API as davit calls, its git over HTTP, and the webhooks it would send.
import { createHmac } from 'node:crypto'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join, normalize } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

export const REPOSITORY = 'acme/shop'

interface Hook {
  id: number
  active: boolean
  events: string[]
  config: { url: string; secret: string }
}

export class Gitea {
  readonly hooks: Hook[] = []
  /** What davit said about commits: the state and its context. */
  readonly statuses: string[] = []
  readonly keys: string[] = []
  /** Whether the token may set statuses. */
  takesStatuses = true

  private constructor(
    private readonly server: Server,
    private readonly dir: string,
    readonly commit: string,
  ) {}

  static async start(): Promise<Gitea> {
    const dir = await mkdtemp(join(tmpdir(), 'davit-e2e-gitea-'))
    const work = join(dir, 'work')
    const git = (...args: string[]) => run('git', ['-C', work, '-c', 'user.name=ann', '-c', 'user.email=ann@example.com', ...args])
    await run('git', ['init', '--quiet', '--initial-branch=main', work])
    await writeFile(join(work, 'index.html'), 'tea\n')
    await git('add', '.')
    await git('commit', '--quiet', '--message', 'Sell tea')
    const { stdout } = await git('rev-parse', 'HEAD')
    await run('git', ['clone', '--quiet', '--bare', work, join(dir, `${REPOSITORY}.git`)])
    // git fetches from plain files when they say what there is.
    await run('git', ['-C', join(dir, `${REPOSITORY}.git`), 'update-server-info'])
    const server = createServer((request, response) => {
      gitea.answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)))
    })
    const gitea = new Gitea(server, dir, stdout.trim())
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    return gitea
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise(done => this.server.close(done))
    await rm(this.dir, { recursive: true, force: true })
  }

  /** Sends a push to the registered hook, signed with its secret; the status of the answer. */
  async push(title: string): Promise<number> {
    const [hook] = this.hooks
    if (!hook) throw new Error('no hook is registered')
    const body = JSON.stringify({
      ref: 'refs/heads/main',
      before: '0'.repeat(40),
      after: this.commit,
      head_commit: { id: this.commit, message: title },
      repository: { full_name: REPOSITORY },
      pusher: { login: 'ann' },
    })
    const headers = {
      'Content-Type': 'application/json',
      'X-Gitea-Event': 'push',
      'X-Gitea-Delivery': crypto.randomUUID(),
      'X-Gitea-Signature': createHmac('sha256', hook.config.secret).update(body).digest('hex'),
    }
    return (await fetch(hook.config.url, { method: 'POST', headers, body })).status
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', this.url)
    if (pathname.startsWith(`/${REPOSITORY}.git/`)) return this.serveGit(pathname, response)
    const route = `${request.method} ${pathname.replace(`/api/v1/repos/${REPOSITORY}`, '')}`
    const json = (status: number, value: unknown) =>
      void response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(value))
    const body = await read(request)
    if (route === 'GET ') {
      const permissions = { admin: true, push: true, pull: true }
      return json(200, { full_name: REPOSITORY, default_branch: 'main', permissions })
    }
    if (route === 'GET /hooks') return json(200, this.hooks)
    if (route === 'POST /hooks') {
      const hook = { id: this.hooks.length + 1, ...(body as Omit<Hook, 'id'>) }
      this.hooks.push(hook)
      return json(201, hook)
    }
    if (route === 'GET /keys') return json(200, this.keys.map((key, index) => ({ id: index + 1, key })))
    if (route === 'POST /keys') {
      this.keys.push((body as { key: string }).key)
      return json(201, { id: this.keys.length, ...(body as object) })
    }
    if (route === `POST /statuses/${this.commit}`) {
      if (!this.takesStatuses) return json(403, { message: 'token does not have at least one of required scope(s)' })
      const { state, context } = body as { state: string; context: string }
      this.statuses.push(`${state} ${context}`)
      return json(201, { id: this.statuses.length, ...(body as object) })
    }
    if (request.method === 'GET' && pathname.startsWith(`/api/v1/repos/${REPOSITORY}/`)) return json(200, [])
    json(404, { message: 'not found' })
  }

  private async serveGit(pathname: string, response: ServerResponse): Promise<void> {
    const file = join(this.dir, normalize(pathname))
    const content = await readFile(file).catch(() => null)
    if (content === null || !file.startsWith(this.dir)) response.writeHead(404).end()
    else response.writeHead(200, { 'Content-Type': 'application/octet-stream' }).end(content)
  }
}

async function read(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return text ? JSON.parse(text) : undefined
}
