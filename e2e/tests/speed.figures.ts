// How fast the first page is and what it weighs, printed. Nothing fails because something is slow: what a page weighs is
// held to its limit in `release.spec.ts`, where no clock is needed.
import { type Browser, expect, test } from '@playwright/test'
import { Davit, watch } from './davit.ts'
import { type Cost, costOf, watchCost } from './weight.ts'

const ROUNDS = 7

let davit: Davit

test.beforeAll(async () => {
  davit = await Davit.demo()
})

test.afterAll(async () => {
  await davit.stop()
})

/** Visits in a browser that has never been here; with `again` in one that has. */
async function visit(browser: Browser, path: string, marker: string, signedIn: boolean, again: boolean): Promise<Cost> {
  const context = await browser.newContext()
  if (signedIn) {
    await context.request.post(`${davit.url}/api/v1/session`, { data: { name: 'admin', password: davit.password } })
  }
  const page = await context.newPage()
  const problems = watch(page, davit)
  await watchCost(page, marker)
  await page.goto(davit.url + path)
  let cost = await costOf(page)
  if (again) {
    await page.goto('about:blank')
    await page.goto(davit.url + path)
    cost = await costOf(page)
  }
  expect(problems, 'requests to other hosts, and errors').toEqual([])
  await context.close()
  return cost
}

function median(values: number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

test('the first page', async ({ browser }) => {
  test.setTimeout(180_000)
  const visits = [
    { what: 'login, first visit', path: '/login', marker: 'login-submit', signedIn: false, again: false },
    { what: 'overview, first visit', path: '/', marker: 'matrix', signedIn: true, again: false },
    { what: 'overview, second visit', path: '/', marker: 'matrix', signedIn: true, again: true },
    { what: 'deployment, first visit', path: '/deployments/4', marker: 'log-lines', signedIn: true, again: false },
  ]
  const table: Record<string, Record<string, string>> = {}
  for (const { what, path, marker, signedIn, again } of visits) {
    const costs: Cost[] = []
    for (let round = 0; round < ROUNDS; round += 1) costs.push(await visit(browser, path, marker, signedIn, again))
    const of = (key: keyof Cost) => median(costs.map(cost => cost[key]))
    const times = (key: keyof Cost) => `${Math.round(of(key))} ms (${Math.round(Math.min(...costs.map(cost => cost[key])))})`
    const size = (key: keyof Cost) => `${(of(key) / 1000).toFixed(1)} kB`
    table[what] = {
      'usable: median (best)': times('usable'),
      'first paint': times('firstPaint'),
      'largest paint': times('largestPaint'),
      scripts: size('scripts'),
      styles: size('styles'),
      everything: size('everything'),
      requests: String(of('requests')),
    }
  }
  process.stdout.write('\n')
  console.table(table)
  process.stdout.write('Bytes as they were sent, from the browser’s own timings; no request went to another host.\n')
})
