// The little the Configuration page needs to know of davit.toml; the server parses it for real.

/** The `env:NAME` and `file:PATH` values a document refers to, in order, each once. Comments do not count. */
export function referredValues(document: string): string[] {
  const found = new Set<string>()
  for (const line of document.split('\n')) {
    const code = line.replace(/^\s*#.*$/, '')
    for (const [, kind, name] of code.matchAll(/\{\s*(env|file)\s*=\s*"([^"\n]+)"\s*\}/g)) found.add(`${kind}:${name}`)
  }
  return [...found]
}
