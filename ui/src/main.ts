import { VueQueryPlugin } from '@tanstack/vue-query'
import { createApp } from 'vue'
import App from './App.vue'
import { createQueryClient } from './api/query-client'
import { i18n, startLanguage } from './i18n'
import { applyPreferences } from './lib/preferences'
import { createAppRouter } from './router'
import './styles/tokens.css'
import './styles/element.css'
import './styles/base.css'

applyPreferences()
const queryClient = createQueryClient()
const app = createApp(App).use(i18n).use(VueQueryPlugin, { queryClient }).use(createAppRouter(queryClient))
// The page's code is on its way meanwhile: the router asks for it as soon as it is in use.
void startLanguage().then(() => app.mount('#app'))
