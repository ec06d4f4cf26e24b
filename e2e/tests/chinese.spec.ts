// What the server says reaches a Chinese reader in Chinese: mistakes in a form while it is filled in, why a release
// failed, and what is not there.
import { expect, type Page, test } from '@playwright/test'
import { Davit, logIn, watch } from './davit.ts'

const WRITE = { 'X-Davit-Request': '1' }

test.use({ locale: 'zh-CN' })

let davit: Davit

test.beforeAll(async () => {
  davit = await Davit.demo()
})

test.afterAll(async () => {
  await davit.stop()
})

/** Makes the last step of releases to staging fail. */
async function failAlways({ request }: Page) {
  const answer = await request.get(`${davit.url}/api/v1/apps/sample/configs/staging/toml`)
  const kept = (await answer.text()).split('\n').filter(line => !line.startsWith('hooks.after_release'))
  const applied = await request.post(`${davit.url}/api/v1/apply`, {
    headers: WRITE,
    data: { document: `${kept.join('\n')}\nhooks.after_release = "exit 7"\n`, values: {}, dry_run: false, prune: false },
  })
  expect(applied.status(), await applied.text()).toBe(200)
}

async function release({ request }: Page): Promise<number> {
  const answer = await request.post(`${davit.url}/api/v1/apps/sample/environments/staging/deploy`, {
    headers: WRITE,
    data: { ref: 'main', title: '发布春季菜单' },
  })
  expect(answer.status(), await answer.text()).toBe(201)
  return ((await answer.json()) as { deployment: number }).deployment
}

test('what is not there is said in Chinese, and its name stays as it is', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/deployments/4711`)
  await expect(page.getByTestId('problem')).toContainText('没有发布 4711')
  await page.goto(`${davit.url}/apps/the-app`)
  await expect(page.getByTestId('problem')).toContainText('没有名为 the-app 的应用')
  await page.screenshot({ path: 'screenshots/chinese-missing.png', fullPage: true })
})

test('mistakes are told in Chinese while a form is filled in', async ({ page }) => {
  const problems = watch(page, davit)
  await logIn(page, davit)
  await page.goto(`${davit.url}/hosts/new`)
  await page.getByTestId('host-name').fill('web-1')
  await page.getByTestId('host-address').fill('deploy web-1')
  const form = page.getByTestId('host-form')
  await expect(form).toContainText('`address` 必须是一个不以 \'-\' 开头的词，而不是 "deploy web-1"')
  await expect(form).toContainText('[[host]] 需要 `user`')
  await page.screenshot({ path: 'screenshots/chinese-form.png', fullPage: true })
  expect(problems).toEqual([])
})

test('a release that failed says why in Chinese', async ({ page }) => {
  await logIn(page, davit)
  await failAlways(page)
  await page.goto(`${davit.url}/deployments/${await release(page)}`)
  await expect(page.getByTestId('deployment-facts')).toContainText('local-host 上的步骤 6（发布后）结束：退出码 7')
  await page.screenshot({ path: 'screenshots/chinese-failed.png', fullPage: true })
})
