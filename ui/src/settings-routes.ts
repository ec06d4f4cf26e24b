// The tabs of the settings: each an address of its own, all under one entry of the navigation.
import type { RouteRecordRaw } from 'vue-router'

const section = 'settings'

export const settingsRoute: RouteRecordRaw = {
  path: '/settings',
  component: () => import('./pages/SettingsPage.vue'),
  meta: { title: 'nav.settings', section },
  children: [
    {
      path: '',
      name: 'settings',
      component: () => import('./pages/settings/SettingsIndex.vue'),
      meta: { title: 'nav.settings', section },
    },
    {
      path: 'users',
      name: 'settings-users',
      component: () => import('./pages/settings/UsersTab.vue'),
      meta: { title: 'settings.users', section },
    },
    {
      path: 'users/:name',
      name: 'settings-user',
      component: () => import('./pages/settings/UserTab.vue'),
      props: true,
      meta: { title: 'settings.users', section },
    },
    {
      path: 'groups',
      name: 'settings-groups',
      component: () => import('./pages/settings/GroupsTab.vue'),
      meta: { title: 'settings.groups', section },
    },
    {
      path: 'groups/:name',
      name: 'settings-group',
      component: () => import('./pages/settings/GroupTab.vue'),
      props: true,
      meta: { title: 'settings.groups', section },
    },
    {
      path: 'grants',
      name: 'settings-grants',
      component: () => import('./pages/settings/GrantsTab.vue'),
      meta: { title: 'settings.grants', section },
    },
    {
      path: 'values',
      name: 'settings-values',
      component: () => import('./pages/settings/ValuesTab.vue'),
      meta: { title: 'settings.values', section },
    },
    {
      path: 'repositories',
      name: 'settings-repositories',
      component: () => import('./pages/settings/RepositoriesTab.vue'),
      meta: { title: 'settings.repositories', section },
    },
    {
      path: 'repositories/new',
      name: 'settings-repository-new',
      component: () => import('./pages/settings/RepositoryFormTab.vue'),
      meta: { title: 'repositories.add', section },
    },
    {
      // A name has slashes of its own.
      path: 'repositories/:forge/:name+',
      name: 'settings-repository',
      component: () => import('./pages/settings/RepositoryFormTab.vue'),
      props: ({ params: { forge, name } }) => ({ forge, name: [name].flat().join('/') }),
      meta: { title: 'settings.repositories', section },
    },
    {
      path: 'channels',
      name: 'settings-channels',
      component: () => import('./pages/settings/ChannelsTab.vue'),
      meta: { title: 'settings.channels', section },
    },
    {
      path: 'channels/new',
      name: 'settings-channel-new',
      component: () => import('./pages/settings/ChannelFormTab.vue'),
      meta: { title: 'channels.add', section },
    },
    {
      path: 'channels/:id/edit',
      name: 'settings-channel',
      component: () => import('./pages/settings/ChannelFormTab.vue'),
      props: true,
      meta: { title: 'settings.channels', section },
    },
    {
      path: 'identity',
      name: 'settings-identity',
      component: () => import('./pages/settings/IdentityTab.vue'),
      meta: { title: 'settings.identity', section },
    },
  ],
}
