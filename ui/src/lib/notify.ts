// Short confirmations that leave by themselves. Errors never come here: they stay where they happened.
import { ElMessage } from 'element-plus'

export function confirmDone(message: string) {
  ElMessage({ message, type: 'success', duration: 4_000, showClose: true, grouping: true })
}
