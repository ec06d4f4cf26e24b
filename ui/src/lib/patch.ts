// A unified diff as lines that know their numbers on both sides.

export type PatchKind = 'hunk' | 'add' | 'remove' | 'same' | 'note'

export interface PatchLine {
  kind: PatchKind
  /** On the old side; null where the line is not there. */
  before: number | null
  after: number | null
  text: string
}

const HUNK = /^@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@/

/** What stands before the first hunk (names, modes) is left out: the page says it better. */
export function parsePatch(patch: string): PatchLine[] {
  const lines: PatchLine[] = []
  let before = 0
  let after = 0
  let inHunk = false
  for (const line of patch.replace(/\n$/, '').split('\n')) {
    const hunk = HUNK.exec(line)
    if (hunk) {
      inHunk = true
      before = Number(hunk[1])
      after = Number(hunk[2])
      lines.push({ kind: 'hunk', before: null, after: null, text: line })
    } else if (/^(diff --git |Binary files )/.test(line) && !/^[+\- ]/.test(line)) {
      inHunk = false
      if (line.startsWith('Binary')) lines.push({ kind: 'note', before: null, after: null, text: line })
    } else if (inHunk) {
      const text = line.slice(1)
      if (line.startsWith('+')) lines.push({ kind: 'add', before: null, after: after++, text })
      else if (line.startsWith('-')) lines.push({ kind: 'remove', before: before++, after: null, text })
      else if (line.startsWith('\\')) lines.push({ kind: 'note', before: null, after: null, text: text.trim() })
      else lines.push({ kind: 'same', before: before++, after: after++, text })
    }
  }
  return lines
}
