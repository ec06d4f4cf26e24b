// A Gitea with one repository: as much of its API as davit calls, its git over HTTP, and the webhooks it would send.
import { createHmac } from 'node:crypto'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { GitServer } from './git-server.ts'

export const REPOSITORY = 'acme/shop'
const REPOSITORY_ID = 1
const FORK_ID = 2

interface Hook {
  id: number
  active: boolean
  events: string[]
  config: { url: string; secret: string }
}

interface Pull {
  number: number
  title: string
  branch: string
  head: string
  fromFork: boolean
  merged: string | null
}

export class Gitea {
  readonly hooks: Hook[] = []
  /** What davit said about commits: the state and its context. */
  readonly statuses: string[] = []
  readonly keys: string[] = []
  readonly pulls: Pull[] = []
  /** Whether the token may set statuses. */
  takesStatuses = true

  private constructor(
    private readonly server: Server,
    private readonly git: GitServer,
    /** The newest one of `main`. */
    public commit: string,
  ) {}

  static async start(): Promise<Gitea> {
    const git = await GitServer.start(REPOSITORY)
    const commit = await git.commit('main', 'Sell tea', { 'index.html': 'tea\n' })
    const server = createServer((request, response) => {
      gitea.answer(request, response).catch((error: unknown) => {
        if (!response.headersSent) response.writeHead(500)
        response.end(String(error))
      })
    })
    const gitea = new Gitea(server, git, commit)
    await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
    return gitea
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise(done => this.server.close(done))
    await this.git.stop()
  }

  /** Sends a push to the registered hook, signed with its secret; the status of the answer. */
  push(title: string, files?: Record<string, string>): Promise<number> {
    return this.pushTo('main', title, files)
  }

  /** Opens a pull request with files on a branch of its own. */
  async open(title: string, branch: string, files: Record<string, string>, fromFork = false): Promise<Pull> {
    const head = await this.git.commit(branch, title, files)
    const pull: Pull = { number: this.pulls.length + 1, title, branch, head, fromFork, merged: null }
    this.pulls.push(pull)
    await this.git.point(`refs/pull/${pull.number}/head`, head)
    await this.deliver('pull_request', this.event('opened', pull))
    return pull
  }

  private async pushTo(branch: string, title: string, files?: Record<string, string>): Promise<number> {
    if (files) this.commit = await this.git.commit(branch, title, files)
    return this.deliver('push', {
      ref: `refs/heads/${branch}`,
      before: '0'.repeat(40),
      after: this.commit,
      head_commit: { id: this.commit, message: title },
      repository: { full_name: REPOSITORY },
      pusher: { login: 'ann' },
    })
  }

  private async deliver(event: string, payload: object): Promise<number> {
    const [hook] = this.hooks
    if (!hook) throw new Error('no hook is registered')
    const body = JSON.stringify(payload)
    const headers = {
      'Content-Type': 'application/json',
      'X-Gitea-Event': event,
      'X-Gitea-Delivery': crypto.randomUUID(),
      'X-Gitea-Signature': createHmac('sha256', hook.config.secret).update(body).digest('hex'),
    }
    return (await fetch(hook.config.url, { method: 'POST', headers, body })).status
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', this.url)
    if (pathname.startsWith(`/${REPOSITORY}.git/`)) return this.git.serve(request, response)
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
    if (/^POST \/statuses\/[0-9a-f]{40}$/.test(route)) {
      if (!this.takesStatuses) return json(403, { message: 'token does not have at least one of required scope(s)' })
      const { state, context } = body as { state: string; context: string }
      this.statuses.push(`${state} ${context}`)
      return json(201, { id: this.statuses.length, ...(body as object) })
    }
    if (route === 'GET /pulls') return json(200, this.pulls.filter(pull => !pull.merged).map(pull => this.pull(pull)))
    const [, method, number, rest] = /^(GET|POST) \/pulls\/(\d+)(\/merge|\/reviews)?$/.exec(route) ?? []
    const pull = this.pulls.find(each => String(each.number) === number)
    if (pull && method === 'GET' && !rest) return json(200, this.pull(pull))
    if (pull && method === 'POST') return json(...(await this.merge(pull, body as { head_commit_id: string })))
    if (request.method === 'GET' && pathname.startsWith(`/api/v1/repos/${REPOSITORY}/`)) return json(200, [])
    json(404, { message: 'not found' })
  }

  /** Only the very commit that was asked for. */
  private async merge(pull: Pull, order: { head_commit_id: string }): Promise<[number, object]> {
    if (order.head_commit_id !== pull.head) return [409, { message: 'head out of date' }]
    if (pull.merged) return [405, { message: 'already merged' }]
    pull.merged = await this.git.merge(pull.head, `Merge pull request #${pull.number}`)
    this.commit = pull.merged
    await this.deliver('pull_request', this.event('closed', pull))
    return [200, {}]
  }

  private event(action: string, pull: Pull): object {
    return { action, number: pull.number, pull_request: this.pull(pull), repository: { full_name: REPOSITORY } }
  }

  private pull({ number, title, branch, head, fromFork, merged }: Pull): object {
    return {
      number,
      title,
      user: { login: fromFork ? 'mallory' : 'ann' },
      html_url: `${this.url}/${REPOSITORY}/pulls/${number}`,
      state: merged ? 'closed' : 'open',
      draft: false,
      merged: merged !== null,
      merge_commit_sha: merged,
      mergeable: !merged,
      labels: [],
      head: { ref: branch, sha: head, repo_id: fromFork ? FORK_ID : REPOSITORY_ID },
      base: { ref: 'main', sha: this.commit, repo_id: REPOSITORY_ID },
    }
  }
}

async function read(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const text = Buffer.concat(chunks).toString()
  return text ? JSON.parse(text) : undefined
}
