// Opens the page of a deployment in Chromium and measures it: node pages.mjs URL USER PASSWORD DEPLOYMENT LINES. Prints
// a line a figure, with tabs. Scrolling is done with gestures of the browser's own, as from a wheel or a touchpad, and
// frames are counted where the page draws them (requestAnimationFrame). What is drawn 60 times a second is smooth.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'

const { chromium } = createRequire(join(import.meta.dirname, '../e2e/package.json'))('@playwright/test')
const [url, user, password, deployment, lineCount] = process.argv.slice(2)
const lines = Number(lineCount)
const pictures = process.env.DAVIT_BENCH_PICTURES

const browser = await chromium.launch({
  executablePath: process.env.DAVIT_BROWSER ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--enable-precise-memory-info'],
})
const page = await browser.newPage({ viewport: { width: 1440, height: 1000 } })
page.setDefaultTimeout(120_000)
const devtools = await page.context().newCDPSession(page)
await devtools.send('Performance.enable')
const log = page.getByTestId('log-lines')
let heapPeak = 0

const say = (...cells) => process.stdout.write(`${cells.join('\t')}\n`)
const seconds = ms => (ms < 1_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1_000).toFixed(2)} s`)

try {
  say('what', 'figure', '')
  await logIn()
  await open()
  await frames('nothing (what the browser can do here)', () => page.waitForTimeout(3_000))
  await frames('the log, gesture down at 4,000 px/s', () => gesture(log, -30_000, 4_000))
  await frames('the log, gesture up at 12,000 px/s', () => gesture(log, 60_000, 12_000))
  await frames('the log, dragged from one end to the other', drag)
  await frames('the grid of hosts, gesture down', () => gesture(page.getByTestId('step-grid'), -15_000, 4_000))
  await jump()
  await search()
  await narrow()
  await memory()
} finally {
  await browser.close()
}

async function logIn() {
  await page.goto(url)
  await page.getByTestId('login-name').fill(user)
  await page.getByTestId('login-password').fill(password)
  await page.getByTestId('login-submit').click()
  await page.getByTestId('login-submit').waitFor({ state: 'detached' })
}

async function open() {
  const started = performance.now()
  await page.goto(`${url}/deployments/${deployment}`)
  await log.locator(`[data-seq="${lines}"]`).waitFor()
  say('opened, to the last line of the log', seconds(performance.now() - started))
  await page.getByTestId('step-grid').locator('tbody tr').nth(5).waitFor()
  await picture('top')
  await log.scrollIntoViewIfNeeded()
}

/** Counts frames while something happens. */
async function frames(what, work) {
  await page.evaluate(() => {
    const times = []
    window.benchFrames = times
    const step = now => {
      times.push(now)
      if (window.benchFrames === times) requestAnimationFrame(step)
    }
    requestAnimationFrame(step)
  })
  await work()
  const times = await page.evaluate(() => {
    const found = window.benchFrames
    window.benchFrames = null
    return found
  })
  const gaps = times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b)
  const rate = (gaps.length * 1_000) / (times.at(-1) - times[0])
  const worst = gaps[Math.floor(gaps.length * 0.99)] ?? 0
  say(what, `${rate.toFixed(1)} frames/s`, `99 % of frames within ${worst.toFixed(0)} ms`)
  await noteHeap()
}

async function gesture(target, yDistance, speed) {
  await target.scrollIntoViewIfNeeded()
  const box = await target.boundingBox()
  await devtools.send('Input.synthesizeScrollGesture', {
    x: box.x + box.width / 2,
    y: box.y + box.height / 2,
    yDistance,
    speed,
    gestureSourceType: 'mouse',
    preventFling: true,
  })
}

/** As with the bar: the whole log in five seconds. */
async function drag() {
  await log.evaluate(async box => {
    const started = performance.now()
    for (let share = 0; share < 1; ) {
      const now = await new Promise(requestAnimationFrame)
      share = Math.min(1, Math.max(0, (now - started) / 5_000))
      box.scrollTop = (box.scrollHeight - box.clientHeight) * share
    }
  })
}

/** By links to lines, far from each other. */
async function jump() {
  const took = []
  for (let share = 1; share < 20; share++) {
    const line = Math.floor((lines * ((share * 7) % 20)) / 20)
    const started = performance.now()
    await page.evaluate(hash => {
      location.hash = hash
    }, `#L${line}`)
    await log.locator(`.marked[data-seq="${line}"]`).waitFor()
    took.push(performance.now() - started)
  }
  took.sort((a, b) => a - b)
  say('a link to a line, until it is there', seconds(took[Math.floor(took.length / 2)]), `slowest of ${took.length}: ${seconds(took.at(-1))}`)
  await picture('line')
}

async function search() {
  const hits = page.getByTestId('log-hits')
  const field = page.getByTestId('log-search').locator('input').or(page.getByTestId('log-search')).first()
  const started = performance.now()
  await field.fill('needle')
  await hits.filter({ hasText: / of / }).waitFor()
  say('a search that finds one line in 10,000', seconds(performance.now() - started), await hits.innerText())
  await log.locator('.marked mark').first().waitFor()
  await picture('search')
  const next = performance.now()
  for (let step = 0; step < 10; step++) {
    const before = await hits.innerText()
    await page.getByTestId('log-next').click()
    await page.waitForFunction(text => document.querySelector('[data-testid=log-hits]')?.textContent !== text, before)
    await log.locator('.marked mark').first().waitFor()
  }
  say('to the next match', seconds((performance.now() - next) / 10))
  await field.fill('')
}

/** To one host, one step, one step of a host. */
async function narrow() {
  const grid = page.getByTestId('step-grid')
  await grid.evaluate(box => {
    box.scrollTop = 0
  })
  for (const [what, id] of [
    ['one host', 'row-web-003'],
    ['one step of all hosts', 'step-6'],
    ['one step of a host', 'cell-web-002-4'],
  ]) {
    const started = performance.now()
    await page.getByTestId(id).click()
    await page.getByTestId('log-filter').waitFor()
    await page.getByTestId('log-status').filter({ hasText: 'Complete' }).waitFor()
    await log.locator('[data-seq]').first().waitFor()
    say(`the log narrowed to ${what}`, seconds(performance.now() - started))
  }
  await frames('the log of one step of a host, gesture up', () => gesture(log, 20_000, 4_000))
  await picture('narrowed')
  await page.getByTestId('compare').click()
  await page.getByTestId('compare-row').first().click()
  await page.getByTestId('compare-lines').first().waitFor()
  await picture('compared')
}

async function noteHeap() {
  heapPeak = Math.max(heapPeak, await heap())
}

async function heap() {
  const { metrics } = await devtools.send('Performance.getMetrics')
  return metrics.find(metric => metric.name === 'JSHeapUsedSize').value
}

async function memory() {
  await noteHeap()
  await devtools.send('HeapProfiler.collectGarbage')
  const mib = bytes => `${(bytes / 2 ** 20).toFixed(0)} MiB`
  say('JavaScript heap at the end', mib(await heap()), `highest seen: ${mib(heapPeak)}`)
  const whole = await browser.newBrowserCDPSession()
  const { processInfo } = await whole.send('SystemInfo.getProcessInfo')
  for (const { type, id } of processInfo.filter(each => each.type === 'renderer')) {
    const rollup = await readFile(`/proc/${id}/smaps_rollup`, 'utf8').catch(() => '')
    const kib = name => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1] ?? 0)
    if (rollup) say(`memory of the page's process (${type})`, mib(kib('Pss') * 1024), `resident: ${mib(kib('Rss') * 1024)}`)
  }
}

async function picture(name) {
  if (pictures) await page.screenshot({ path: join(pictures, `${name}.png`) })
}
