// What each route of the OpenAPI document takes and answers, as types: client.ts checks every call against them.
import type { paths } from './generated'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** By method and by route, which is a path without the beginning that all share. */
type Routes = {
  [M in Method]: {
    [P in keyof paths as RouteIn<P, Lowercase<M>>]: paths[P] extends Record<Lowercase<M>, infer Operation>
      ? { needs: Needs<Operation>; answer: Answer<Operation> }
      : never
  }
}

type RouteIn<P extends keyof paths, M extends string> =
  paths[P] extends Record<M, object> ? (P extends `/api/v1${infer Route}` ? Route : never) : never

/** What has to go with a call: what its path is filled with, its query and its body, if it has them. */
type Needs<Operation> = PathOf<Operation> & QueryOf<Operation> & BodyOf<Operation>

type PathOf<Operation> = Operation extends { parameters: { path: infer P extends object } }
  ? { path: P }
  : { path?: undefined }

type QueryOf<Operation> = Operation extends { parameters: { query: infer Q extends object } }
  ? { query: Q }
  : Operation extends { parameters: { query?: infer Q } }
    ? { query?: Q }
    : never

type BodyOf<Operation> = Operation extends { requestBody: { content: infer C } }
  ? C extends { 'application/json': infer B }
    ? { body: B }
    : { raw: Blob }
  : { body?: undefined }

/** What comes back when it succeeds. */
type Answer<Operation> = Operation extends { responses: infer A } ? Content<A[keyof A]> : never
type Content<T> = T extends { content: infer C } ? C[keyof C] : undefined

export type RouteOf<M extends Method> = keyof Routes[M] & string

type Call = { needs: object; answer: unknown }
export type NeedsOf<M extends Method, R extends RouteOf<M>> = Routes[M][R] extends Call ? Routes[M][R]['needs'] : never
export type AnswerOf<M extends Method, R extends RouteOf<M>> = Routes[M][R] extends Call
  ? Routes[M][R]['answer']
  : never

/** What a list can be asked for. */
export type Query<R extends RouteOf<'GET'>> = NeedsOf<'GET', R> extends { query?: infer Q } ? NonNullable<Q> : never

/** The options of a call, which can be left out where none are needed. */
export type Given<T> = Record<never, never> extends T ? [options?: T] : [options: T]
