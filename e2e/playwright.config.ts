// Browser tests on the real binary. The browser is Debian's: nothing is downloaded.
import { defineConfig } from '@playwright/test'

export default defineConfig({
  testDir: 'tests',
  // Each file has a server of its own; inside a file the tests tell one story.
  fullyParallel: false,
  workers: 2,
  retries: 0,
  // The limits are there to end what hangs; a machine may be slow, or stand still for a while.
  timeout: 600_000,
  expect: { timeout: 60_000 },
  reporter: [['list']],
  projects: [
    { name: 'tests', testMatch: '*.spec.ts' },
    // Writes into docs/: only when somebody asks for it.
    { name: 'guide', testMatch: 'guide.pictures.ts' },
    { name: 'speed', testMatch: 'speed.figures.ts' },
  ],
  use: {
    viewport: { width: 1440, height: 900 },
    locale: 'en-US',
    // What fades in has colours of its own for a moment, and what slides is not where it will be.
    contextOptions: { reducedMotion: 'reduce' },
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.DAVIT_BROWSER ?? '/usr/bin/chromium',
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
})
