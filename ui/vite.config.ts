import { fileURLToPath } from 'node:url'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vitest/config'

// In development the pages come from Vite and the API from a davit (or dev/mock-server.mjs) on its usual address.
const server = process.env.DAVIT_URL ?? 'http://127.0.0.1:8700'
const proxy = {
  '/api': { target: server, changeOrigin: false, ws: true },
  '/auth': { target: server, changeOrigin: false },
}

export default defineConfig({
  plugins: [vue()],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  server: { proxy },
  preview: { proxy },
  build: {
    target: 'es2022',
    assetsDir: 'assets',
    rolldownOptions: {
      output: {
        // What every page needs, and small parts that many share, travel together: fewer files to ask for.
        codeSplitting: {
          groups: [
            { name: 'framework', test: /node_modules\/(@?vue|vue-router|vue-i18n|@intlify|@tanstack|@lucide)\// },
            { name: 'shared', test: /\/ui\/src\//, minShareCount: 3, maxModuleSize: 12_000 },
          ],
        },
      },
    },
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.ts'] },
})
