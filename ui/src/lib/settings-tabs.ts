// Which tabs of the settings a person has: those behind which there is something they may see.
import type { Action } from './access'

export const SETTINGS_TABS = ['users', 'groups', 'grants', 'values', 'repositories', 'channels', 'identity'] as const
export type SettingsTab = (typeof SETTINGS_TABS)[number]

interface Rights {
  may: (action: Action) => boolean
  mayAnywhere: (action: Action) => boolean
}

export function tabsOf({ may, mayAnywhere }: Rights): SettingsTab[] {
  const allowed: Record<SettingsTab, boolean> = {
    users: may('manageUsers'),
    groups: may('manageUsers'),
    grants: may('manageUsers'),
    values: mayAnywhere('see'),
    repositories: mayAnywhere('see'),
    channels: may('see'),
    identity: true,
  }
  return SETTINGS_TABS.filter(tab => allowed[tab])
}
