// What the signed-in person may do. The server decides; this only keeps buttons honest.
import { computed } from 'vue'
import { useSession } from '@/api/queries'
import { ROLES, type Role } from '@/api/types'

export function atLeast(role: Role | undefined, needed: Role): boolean {
  return role !== undefined && ROLES.indexOf(role) >= ROLES.indexOf(needed)
}

export function useAccess() {
  const session = useSession()
  const role = computed(() => session.data.value?.user.role)
  return {
    user: computed(() => session.data.value?.user),
    canAsk: computed(() => atLeast(role.value, 'developer')),
    canReview: computed(() => atLeast(role.value, 'reviewer')),
    canRelease: computed(() => atLeast(role.value, 'releaser')),
    canOperate: computed(() => atLeast(role.value, 'operator')),
    canAdminister: computed(() => atLeast(role.value, 'admin')),
  }
}
