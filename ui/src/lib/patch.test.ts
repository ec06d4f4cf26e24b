import { describe, expect, it } from 'vitest'
import { parsePatch } from './patch'

const PATCH = `diff --git a/a.txt b/a.txt
index 1..2 100644
--- a/a.txt
+++ b/a.txt
@@ -1,3 +1,3 @@ function
 one
-two
+zwei
 three
@@ -10 +10,2 @@
--- not a header
+++ nor this
+ten
\\ No newline at end of file
`

describe('parsePatch', () => {
  it('numbers both sides and leaves the heads out', () => {
    expect(parsePatch(PATCH).map(({ kind, before, after, text }) => [kind, before, after, text])).toEqual([
      ['hunk', null, null, '@@ -1,3 +1,3 @@ function'],
      ['same', 1, 1, 'one'],
      ['remove', 2, null, 'two'],
      ['add', null, 2, 'zwei'],
      ['same', 3, 3, 'three'],
      ['hunk', null, null, '@@ -10 +10,2 @@'],
      ['remove', 10, null, '-- not a header'],
      ['add', null, 10, '++ nor this'],
      ['add', null, 11, 'ten'],
      ['note', null, null, 'No newline at end of file'],
    ])
  })

  it('has a word for what is no text, and none for nothing', () => {
    expect(parsePatch('diff --git a/x b/x\nBinary files a/x and b/x differ\n')[0]?.kind).toBe('note')
    expect(parsePatch('')).toEqual([])
  })
})
