// Two people and an environment that asks for a review: one asks, the other looks at what would change, approves and
// lets it out; the first one watches, and goes back. In both languages, in two browsers at the same time.
import { type APIRequestContext, type Browser, expect, type Page, test } from '@playwright/test'
import { Davit, logInAs, watch } from './davit.ts'
import { accessible } from './looks.ts'

const WRITE = { 'X-Davit-Request': '1' }
const PASSWORD = 'correct-horse-battery-staple'

const WORDS = {
  'en-US': {
    review: 'Awaiting review',
    release: 'Awaiting release',
    done: 'Succeeded',
    title: 'Greet everybody a second time',
    why: 'Reviewed the page, it greets.',
  },
  'zh-CN': {
    review: '待审核',
    release: '待发布',
    done: '发布成功',
    title: '再次问候所有人',
    why: '已查看页面，内容无误。',
  },
} as const

let davit: Davit

test.beforeAll(async ({ playwright }) => {
  davit = await Davit.demo()
  const api = await playwright.request.newContext()
  await api.post(`${davit.url}/api/v1/session`, { data: { name: 'admin', password: davit.password } })
  await askForReview(api)
  for (const [name, role] of [
    ['maria', 'developer'],
    ['li.wei', 'releaser'],
  ]) {
    const made = await api.post(`${davit.url}/api/v1/users`, { headers: WRITE, data: { name, role, password: PASSWORD } })
    expect(made.status(), await made.text()).toBe(201)
  }
  await addApp(api, 'second')
  await api.dispose()
})

test.afterAll(async () => {
  await davit.stop()
})

async function askForReview(api: APIRequestContext) {
  const address = `${davit.url}/api/v1/environments/staging`
  const { form } = (await (await api.get(address)).json()) as { form: Record<string, unknown> }
  const review = { required: 1, self_approval: false }
  const saved = await api.put(address, { headers: WRITE, data: { form: { ...form, review } } })
  expect(saved.ok(), await saved.text()).toBe(true)
}

/** Another app of the same repository, beside the first one on the same host. */
async function addApp(api: APIRequestContext, key: string) {
  const base = `${davit.url}/api/v1/apps`
  const { repository } = (await (await api.get(`${base}/sample`)).json()) as { repository: { url: string } }
  const { form } = (await (await api.get(`${base}/sample/configs/staging`)).json()) as { form: { deploy_path: string } }
  const made = await api.post(base, { headers: WRITE, data: { key, name: key, repository: { url: repository.url } } })
  expect(made.status(), await made.text()).toBe(201)
  const saved = await api.put(`${base}/${key}/configs/staging`, {
    headers: WRITE,
    data: { form: { ...form, deploy_path: `${form.deploy_path}-${key}` }, base_revision: null },
  })
  expect(saved.ok(), await saved.text()).toBe(true)
}

async function person(browser: Browser, locale: string, name: string) {
  const context = await browser.newContext({ locale })
  const page = await context.newPage()
  const problems = watch(page, davit)
  await logInAs(page, davit, name, PASSWORD)
  return { page, problems, leave: () => context.close() }
}

async function ask(page: Page, title: string): Promise<string> {
  await page.goto(`${davit.url}/requests/new`)
  await page.getByTestId('place-staging').check({ force: true })
  await chooseApp(page, 0, 'Sample')
  await expect(page.getByTestId('commit-newest')).toBeChecked()
  await page.getByTestId('compare').locator('summary').click()
  await expect(page.getByTestId('release-diff')).toBeVisible()
  await page.getByTestId('request-title').fill(title)
  await page.getByTestId('request-text').fill('Look at the greeting.\nGo back when it is rude.')
  await accessible(page, 'the new request')
  await page.reload()
  await expect(page.getByTestId('request-title')).toHaveValue(title)
  await page.getByTestId('request-submit').click()
  await expect(page).toHaveURL(/\/requests\/\d+$/)
  return page.url()
}

async function chooseApp(page: Page, index: number, name: string) {
  await page.getByTestId(`app-${index}`).click()
  await page.getByRole('option', { name, exact: true }).click()
}

async function approve(page: Page, why: string) {
  await page.getByTestId('request-approve').click()
  await page.getByTestId('review-reason').fill(why)
  await page.getByTestId('review-submit').click()
}

async function release(page: Page) {
  await page.getByTestId('request-release').click()
  await page.getByTestId('release-submit').click()
  await expect(page).toHaveURL(/\/deployments\/\d+$/)
}

for (const [locale, words] of Object.entries(WORDS)) {
  test(`one asks, another reviews and releases, and they go back: ${locale}`, async ({ browser }) => {
    const author = await person(browser, locale, 'maria')
    const reviewer = await person(browser, locale, 'li.wei')

    const address = await ask(author.page, words.title)
    await expect(author.page.getByTestId('request-state')).toContainText(words.review)
    await expect(author.page.getByTestId('request-approve')).toHaveCount(0)

    await reviewer.page.goto(`${davit.url}/requests?who=waiting`)
    const card = reviewer.page.getByTestId('requests').getByRole('article').filter({ hasText: words.title })
    await accessible(reviewer.page, 'the list')
    await card.getByTestId('request-review').click()
    await expect(reviewer.page).toHaveURL(address)
    await expect(reviewer.page.getByTestId('request-description')).toContainText('Look at the greeting.')
    await expect(reviewer.page.getByTestId('release-diff')).toBeVisible()
    await accessible(reviewer.page, 'the request')
    await approve(reviewer.page, words.why)

    await test.step('the author sees the approval without asking, edits, and it is void', async () => {
      await expect(author.page.getByTestId('request-state')).toContainText(words.release)
      await expect(author.page.getByTestId('reviews')).toContainText(words.why)
      await author.page.getByTestId('request-edit').click()
      await author.page.getByTestId('request-title').fill(`${words.title}!`)
      await expect(author.page.getByTestId('edit-voids')).toBeVisible()
      await author.page.getByTestId('edit-submit').click()
      await expect(author.page).toHaveURL(address)
      await expect(author.page.getByTestId('request-state')).toContainText(words.review)
      await expect(author.page.getByTestId('request-version')).toContainText('2')
    })

    await expect(reviewer.page.getByRole('heading', { level: 1 })).toContainText(`${words.title}!`)
    await approve(reviewer.page, words.why)
    await expect(reviewer.page.getByTestId('request-state')).toContainText(words.release)
    await release(reviewer.page)
    await expect(reviewer.page.getByTestId('log-lines')).toContainText('is live in')
    await expect(reviewer.page.getByTestId('deployment-state')).toContainText(words.done)

    await test.step('the author watched it go out', async () => {
      await expect(author.page.getByTestId('request-state')).toContainText(words.done)
      await expect(author.page.getByTestId('request-deployment')).toContainText('local-host')
      await accessible(author.page, 'the request that was released')
    })

    await test.step('the author asks to go back, which is reviewed too', async () => {
      await author.page.getByTestId('open-rollback').click()
      await expect(author.page.getByTestId('rollback-dialog').getByRole('radio').first()).toBeVisible()
      await author.page.getByTestId('rollback-submit').click()
      await expect(author.page).not.toHaveURL(address)
      await expect(author.page.getByTestId('request-state')).toContainText(words.review)
      await reviewer.page.goto(author.page.url())
      await approve(reviewer.page, words.why)
      await expect(reviewer.page.getByTestId('request-state')).toContainText(words.release)
      await release(reviewer.page)
      await expect(reviewer.page.getByTestId('deployment-state')).toContainText(words.done)
      await expect(author.page.getByTestId('request-state')).toContainText(words.done)
    })

    expect([...author.problems, ...reviewer.problems]).toEqual([])
    await author.leave()
    await reviewer.leave()
  })
}

test('what is rejected says why to who asked', async ({ browser }) => {
  const author = await person(browser, 'en-US', 'maria')
  const reviewer = await person(browser, 'en-US', 'li.wei')
  const address = await ask(author.page, 'Not like this')
  await reviewer.page.goto(address)
  await reviewer.page.getByTestId('request-reject').click()
  await expect(reviewer.page.getByTestId('review-submit')).toBeDisabled()
  await reviewer.page.getByTestId('review-reason').fill('The greeting is rude.')
  await reviewer.page.getByTestId('review-submit').click()
  await expect(author.page.getByTestId('request-state')).toContainText('Rejected')
  await expect(author.page.getByTestId('request-facts')).toContainText('The greeting is rude.')
  await author.leave()
  await reviewer.leave()
})

test('a reviewer who looked at an older version is told, and decides again', async ({ browser }) => {
  const author = await person(browser, 'en-US', 'maria')
  const reviewer = await person(browser, 'en-US', 'li.wei')
  const address = await ask(author.page, 'First words')
  await reviewer.page.goto(address)
  await reviewer.page.getByTestId('request-approve').click()
  await author.page.goto(`${address}/edit`)
  await author.page.getByTestId('request-title').fill('Other words')
  await author.page.getByTestId('edit-submit').click()
  await expect(reviewer.page.getByTestId('review-changed')).toBeVisible()
  await expect(reviewer.page.getByTestId('review-submit')).toBeDisabled()
  await author.page.getByTestId('request-withdraw').click()
  await author.page.getByTestId('withdraw-submit').click()
  await expect(author.page.getByTestId('request-state')).toContainText('Withdrawn')
  await author.leave()
  await reviewer.leave()
})

test('several apps are asked for at once, approved at once and released at once', async ({ browser }) => {
  const author = await person(browser, 'en-US', 'maria')
  const reviewer = await person(browser, 'en-US', 'li.wei')
  const { page } = author
  await page.goto(`${davit.url}/requests/new?environment=staging&app=sample`)
  await expect(page.getByTestId('commit-newest')).toBeChecked()
  await page.getByTestId('add-app').click()
  await chooseApp(page, 1, 'second')
  await expect(page.getByTestId('commit-newest')).toHaveCount(2)
  await page.getByTestId('request-title').fill('Both together')
  await page.getByTestId('request-submit').click()
  await expect(page.getByTestId('batch').getByRole('listitem')).toHaveCount(2)

  await reviewer.page.goto(page.url())
  await reviewer.page.getByTestId('batch-approve').click()
  await expect(reviewer.page.getByTestId('request-state')).toContainText('Awaiting release')
  await reviewer.page.getByTestId('batch-release').click()
  await expect(page.getByTestId('batch').getByText('Succeeded')).toHaveCount(2)
  await author.leave()
  await reviewer.leave()
})

test('a request gets a time, keeps its approval, and loses the time again', async ({ browser }) => {
  const author = await person(browser, 'en-US', 'maria')
  const reviewer = await person(browser, 'en-US', 'li.wei')
  const address = await ask(author.page, 'Tomorrow')
  const { page } = reviewer
  await page.goto(address)
  await approve(page, 'good')
  await expect(page.getByTestId('request-state')).toContainText('Awaiting release')
  await page.getByTestId('request-schedule').click()
  const tomorrow = new Date(Date.now() + 86_400_000).toISOString().slice(0, 16)
  await page.getByTestId('schedule-at').locator('input').fill('2020-01-01T08:00')
  await expect(page.getByTestId('schedule-submit')).toBeDisabled()
  await page.getByTestId('schedule-at').locator('input').fill(tomorrow)
  await page.getByTestId('schedule-submit').click()
  await expect(author.page.getByTestId('request-scheduled')).toBeVisible()
  await expect(author.page.getByTestId('request-state')).toContainText('Awaiting release')
  await page.getByTestId('request-schedule').click()
  await page.getByTestId('schedule-remove').click()
  await expect(author.page.getByTestId('request-scheduled')).toHaveCount(0)
  await author.leave()
  await reviewer.leave()
})

test('a request is cloned', async ({ browser }) => {
  const author = await person(browser, 'en-US', 'maria')
  const address = await ask(author.page, 'First here')
  await author.page.getByTestId('request-clone').click()
  await author.page.getByTestId('clone-title').fill('Then once more')
  await author.page.getByTestId('clone-submit').click()
  await expect(author.page).not.toHaveURL(address)
  await expect(author.page.getByRole('heading', { level: 1 })).toContainText('Then once more')
  await author.leave()
})
