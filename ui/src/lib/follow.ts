// A form of what is saved, while somebody else may change the same.

/** Takes over what was saved since, but not in place of what somebody has typed meanwhile. */
export function follow<T extends object>(form: T, saved: T, before: T | undefined) {
  for (const name of Object.keys(saved) as (keyof T)[]) {
    if (!before || form[name] === before[name]) form[name] = saved[name]
  }
}
