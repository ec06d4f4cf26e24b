// Short messages that leave by themselves: confirmations, and the one failure that has no place on a page.
import { ElMessage } from 'element-plus'

export function confirmDone(message: string) {
  ElMessage({ message, type: 'success', duration: 4_000, showClose: true })
}

/** For a failure that belongs to no form or list; all others stay where they happened. */
export function announceFailure(message: string) {
  ElMessage({ message, type: 'error', duration: 10_000, showClose: true })
}
