import { chromium } from '@playwright/test'
const [,, url, name, password, out, ...paths] = process.argv
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox','--disable-gpu'] })
for (const [locale, scheme, width] of [['en-US','light',1280],['zh-CN','dark',1440],['en-US','light',390]]) {
  const context = await browser.newContext({ locale, colorScheme: scheme, viewport: { width, height: width < 500 ? 844 : 800 }, reducedMotion: 'reduce' })
  const page = await context.newPage()
  page.on('console', m => { if (['error','warning'].includes(m.type())) console.log(m.type(), m.text()) })
  page.on('pageerror', e => console.log('pageerror', e.message))
  await page.goto(url)
  await page.getByTestId('login-name').fill(name)
  await page.getByTestId('login-password').fill(password)
  await page.getByTestId('login-submit').click()
  await page.getByTestId('matrix').waitFor()
  for (const [i, path] of paths.entries()) {
    await page.goto(url + path)
    await page.getByTestId('matrix').waitFor()
    await page.screenshot({ path: `${out}/${i}-${locale}-${scheme}-${width}-top.png` })
    await page.getByTestId('figures').or(page.locator('.place')).first().scrollIntoViewIfNeeded()
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight))
    await page.getByTestId('figures').waitFor()
    await page.waitForTimeout(600)
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight))
    await page.screenshot({ path: `${out}/${i}-${locale}-${scheme}-${width}.png`, fullPage: width < 500 })
  }
  await context.close()
}
await browser.close()
