// The HTTP API, for what a test needs to be there before somebody opens a page.
import { type APIRequestContext, expect, request } from '@playwright/test'
import type { Davit } from './davit.ts'

export const PASSWORD = 'correct-horse-battery-staple'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

export class Api {
  private constructor(
    private readonly context: APIRequestContext,
    private readonly base: string,
  ) {}

  /** Signs in; the demo's administrator when nobody is named. */
  static async of(davit: Davit, name?: string): Promise<Api> {
    const api = new Api(await request.newContext({ extraHTTPHeaders: { 'X-Davit-Request': '1' } }), `${davit.url}/api/v1`)
    await api.post('/session', { name: name ?? 'admin', password: name ? PASSWORD : davit.password })
    return api
  }

  get<T>(path: string): Promise<T> {
    return this.call('GET', path)
  }

  post<T>(path: string, data: unknown = {}): Promise<T> {
    return this.call('POST', path, data)
  }

  put<T>(path: string, data: unknown): Promise<T> {
    return this.call('PUT', path, data)
  }

  /** The bytes of a file as the body. */
  async upload<T>(path: string, data: Buffer): Promise<T> {
    const answer = await this.context.post(this.base + path, { data, headers: { 'Content-Type': 'application/octet-stream' } })
    expect(answer.ok(), `POST ${path}: ${await answer.text()}`).toBe(true)
    return (await answer.json()) as T
  }

  /** What a person would write into `davit.toml`. */
  async apply(document: string, values: Record<string, string> = {}): Promise<void> {
    await this.post('/apply', { document, values, dry_run: false, prune: false })
  }

  async dispose(): Promise<void> {
    await this.context.dispose()
  }

  private async call<T>(method: Method, path: string, data?: unknown): Promise<T> {
    const answer = await this.context.fetch(this.base + path, { method, data })
    const text = await answer.text()
    expect(answer.ok(), `${method} ${path}: ${answer.status()} ${text}`).toBe(true)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
}
