// Where code goes, and from where it comes: environments, hosts, forges and channels are added, changed and removed in
// their forms, without a file.
import { expect, type Page, test } from '@playwright/test'
import { Api } from './api.ts'
import { Davit, logIn, watch } from './davit.ts'
import { accessible } from './looks.ts'

let davit: Davit
let api: Api

test.beforeAll(async () => {
  davit = await Davit.demo()
  api = await Api.of(davit)
})

test.afterAll(async () => {
  await api.dispose()
  await davit.stop()
})

async function pick(page: Page, field: string, option: string) {
  await page.getByTestId(field).click()
  await page.getByRole('option', { name: option, exact: true }).locator('visible=true').click()
  await page.keyboard.press('Escape')
}

test('an environment gets its rules in a form, is locked, and is removed', async ({ page }) => {
  const problems = watch(page, davit)
  await logIn(page, davit)
  await page.getByTestId('nav-environments').click()
  await expect(page.getByTestId('environments')).toContainText('Staging')
  await page.getByTestId('new-environment').click()
  await page.getByTestId('environment-name').fill('Canary Islands')
  await expect(page.getByTestId('environment-key')).toHaveValue('canary-islands')
  await page.getByTestId('environment-approvals').fill('2')
  await page.getByTestId('environment-approvals').press('Tab')
  await page.getByTestId('environment-branches').fill('main\nrelease/*')
  await page.getByTestId('environment-url').fill('no address')
  await expect(page.getByTestId('environment-form')).toContainText(/http/)
  await page.reload()
  await expect(page.getByTestId('environment-name')).toHaveValue('Canary Islands')
  await page.getByTestId('environment-url').fill('https://canary.example.com')
  await accessible(page, 'the form of an environment')
  await page.getByTestId('environment-form-submit').click()

  await expect(page).toHaveURL(/\/environments\/canary-islands$/)
  await expect(page.getByTestId('environment-rules')).toContainText('2')
  await expect(page.getByTestId('environment-rules')).toContainText('release/*')
  await page.getByTestId('lock-environment').click()
  await page.getByTestId('reason-input').fill('The volcano is awake.')
  await page.getByTestId('reason-submit').click()
  await expect(page.getByTestId('environment-gate')).toContainText('The volcano is awake.')
  await page.getByTestId('environment-gate').getByRole('button', { name: 'Unlock' }).click()
  await expect(page.getByTestId('environment-gate')).not.toContainText('The volcano is awake.')

  await page.getByTestId('edit-environment').click()
  await page.getByTestId('remove-item').click()
  await page.getByTestId('confirm-input').fill('canary-islands')
  await page.getByTestId('confirm-submit').click()
  await expect(page).toHaveURL(/\/environments$/)
  await expect(page.getByTestId('environment-canary-islands')).toHaveCount(0)
  expect(problems).toEqual([])
})

test('a host is added with what is known of it, its key is looked at, and it is verified', async ({ page }) => {
  const { items } = await api.get<{ items: { name: string; address: string; port: number; user: string }[] }>('/hosts')
  const known = items.find(host => host.name === 'ssh-host')
  const { form } = await api.get<{ form: { private_key: { file: string } } }>('/hosts/ssh-host')
  await logIn(page, davit)
  await page.goto(`${davit.url}/hosts/new`)
  await page.getByTestId('host-address').fill(`${known?.user}@${known?.address}:${known?.port}`)
  await page.getByTestId('host-address').press('Tab')
  await expect(page.getByTestId('host-port')).toHaveValue(String(known?.port))
  await page.getByTestId('host-name').fill('ssh-host')
  await expect(page.getByTestId('host-form')).toContainText('ssh-host')
  await page.getByTestId('host-name').fill('second-host')
  await pick(page, 'host-environments', 'Production')
  await page.getByTestId('host-login').getByText('A key of its own', { exact: true }).click()
  await pick(page, 'host-private-key-from', 'Server file')
  await page.getByTestId('host-private-key').fill(form.private_key.file)
  await accessible(page, 'the form of a host')
  await page.getByTestId('host-form-submit').click()

  await expect(page).toHaveURL(/\/hosts/)
  // It was asked at once, and shows a key that nobody has accepted.
  await expect(page.getByTestId('shown-fingerprint')).toContainText('SHA256:')
  await page.getByTestId('accept-key-submit').click()
  await expect(page.getByTestId('host-state-second-host')).toContainText('Reachable')
})

test('hosts come from a list that is pasted, and none of them twice', async ({ page }) => {
  await logIn(page, davit)
  await page.goto(`${davit.url}/hosts/import`)
  await page
    .getByTestId('import-text')
    .fill('name,address,user,port,labels,environments\nweb-7,192.0.2.7,deploy,22,web-new,staging\nssh-host,192.0.2.8,deploy,22,,staging\n')
  const preview = page.getByTestId('import-preview')
  await expect(preview.getByTestId('import-web-7')).toContainText('192.0.2.7')
  await expect(preview.getByTestId('import-there')).toContainText('ssh-host')
  await accessible(page, 'the import of hosts')
  await page.getByTestId('import-submit').click()
  await expect(page.getByTestId('import-made')).toBeVisible()
  await page.goto(`${davit.url}/hosts`)
  await expect(page.getByTestId('host-web-7')).toContainText('web-new')
  await page.goto(`${davit.url}/hosts/web-7/edit`)
  await page.getByTestId('remove-item').click()
  await page.getByTestId('confirm-input').fill('web-7')
  await page.getByTestId('confirm-submit').click()
  await expect(page).toHaveURL(/\/hosts$/)
  await expect(page.getByTestId('host-web-7')).toHaveCount(0)
})
