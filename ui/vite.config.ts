import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

// In development the pages come from Vite and the API from a davit (or dev/mock-server.mjs) on its usual address.
const server = process.env.DAVIT_URL ?? 'http://127.0.0.1:8700'
const proxy = {
  '/api': { target: server, changeOrigin: false, ws: true },
  '/auth': { target: server, changeOrigin: false },
}

const FRAMEWORK = /\/node_modules\/(@?vue|vue-router|vue-i18n|@intlify|@tanstack|@lucide)\//
const OWN = /\/ui\/src\//

const shortName = (name: string) => name.replace(/\.\w+$/, '').split('~')[0]

export default defineConfig({
  // No component, nor any of Element Plus that is used, is written with options.
  plugins: [vue({ features: { optionsAPI: false } })],
  define: { __VUE_I18N_LEGACY_API__: false },
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { proxy },
  preview: { proxy },
  build: {
    target: 'es2022',
    assetsDir: 'assets',
    rolldownOptions: {
      output: {
        // A chunk of parts is named after all that use it, which nobody needs to read in an address.
        chunkFileNames: ({ name }) => `assets/${shortName(name)}-[hash].js`,
        assetFileNames: ({ names }) => `assets/${shortName(names[0] ?? '[name]')}-[hash][extname]`,
        // The first view loads what it runs and little else: what main.ts needs, then what most pages need. Parts that
        // only some pages share travel together in pieces of some size, so that there are few files to ask for.
        codeSplitting: {
          groups: [
            { name: 'framework', tags: ['$initial'], test: FRAMEWORK, priority: 5 },
            { name: 'start', tags: ['$initial'], priority: 4 },
            { name: 'controls', test: /\/node_modules\//, minShareCount: 12, priority: 3 },
            { name: 'shared', test: OWN, minShareCount: 10, maxModuleSize: 12_000, priority: 2 },
            {
              name: 'parts',
              test: OWN,
              minShareCount: 3,
              maxModuleSize: 12_000,
              entriesAware: true,
              entriesAwareMergeThreshold: 20_000,
              priority: 1,
            },
          ],
        },
      },
    },
  },
  // The limits are there to end what hangs; a machine may be slow.
  test: {
    environment: 'happy-dom',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    include: ['src/**/*.test.ts', '{scripts,dev}/**/*.test.mjs'],
  },
})
