// Items of the configuration one at a time, as forms.

/** Where a value that stays secret comes from. */
export type SecretRef = { secret: string } | { env: string } | { file: string }

export interface Declared<F> {
  key: string
  form: F
  /** Names of stored secrets that nothing else names. */
  own_secrets: string[]
}

export interface PutBody<F> {
  form: F
  /** The form that the person saw; null: there was none. */
  base: F | null
  /** Values of what the form names as `{ secret }`, by that name. */
  secrets?: Record<string, string>
  /** Whether to stop when everything is checked. */
  dry_run?: boolean
}
