// A line of a run's logs as an address can name it: `#job-12`, `#job-12:34`.

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
