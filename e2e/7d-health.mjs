import { chromium } from '@playwright/test'
const url='http://127.0.0.1:8732'
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox','--disable-gpu'] })
for (const [locale, scheme, width] of [['en-US','light',1280],['zh-CN','dark',390]]) {
  const context = await browser.newContext({ locale, colorScheme: scheme, viewport: { width, height: 800 } })
  const page = await context.newPage()
  await page.route('**/api/v1/overview', async route => {
    const r = await route.fetch(); const o = await r.json()
    if (o.apps) { o.alerts = []
    o.apps[0].cells[2].health = { hosts: 4, behind: 1, down: 2, differing: 1, asked_at: null }
    o.apps[0].cells[0].newest = { reference: 'main', commit: 'abcdef0123456789', at: new Date(Date.now()-7200e3).toISOString() }
    o.apps[0].cells[1].newest = { reference: 'release/2026-autumn-with-a-long-name', commit: 'abcdef0123456789', at: new Date(Date.now()-7200e3).toISOString() } }
    await route.fulfill({ response: r, json: o })
  })
  await page.goto(url)
  await page.getByTestId('login-name').fill('admin')
  await page.getByTestId('login-password').fill('correct-horse-battery')
  await page.getByTestId('login-submit').click()
  await page.getByTestId('matrix').waitFor()
  await page.waitForTimeout(300)
  await page.getByTestId('matrix').screenshot({ path: `/tmp/w/7d-shots/health-${width}.png` })
  console.log(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth))
  await context.close()
}
await browser.close()
