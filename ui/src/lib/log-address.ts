// A line of a log as an address can name it: `#L34` in a deployment's, `#job-12`, `#job-12:34` in a run's.

export interface LogAddress {
  job: number
  line?: number
}

export function readAddress(hash: string): LogAddress | null {
  const found = /^#job-(\d+)(?::(\d+))?$/.exec(hash)
  if (!found) return null
  const address: LogAddress = { job: Number(found[1]) }
  if (found[2]) address.line = Number(found[2])
  return address
}

export function writeAddress({ job, line }: LogAddress): string {
  return line === undefined ? `#job-${job}` : `#job-${job}:${line}`
}

export function readLineAddress(hash: string): number | undefined {
  const [, line] = /^#L(\d+)$/.exec(hash) ?? []
  return line === undefined ? undefined : Number(line)
}

export function writeLineAddress(line: number): string {
  return `#L${line}`
}
