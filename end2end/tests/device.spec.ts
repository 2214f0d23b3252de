/** Signing in on a device by the code that it shows, with the real client. */

import { hostname } from 'node:os';
import { type Page } from '@playwright/test';
import { beginDevice } from '../lib/api.ts';
import { type Run } from '../lib/device.ts';
import { expectFieldError, field } from '../lib/forms.ts';
import { found, foundAndEnter, sendLogin } from '../lib/people.ts';
import { expect, test, random } from '../lib/test.ts';

/** Address and code that the client prints. */
async function shown(login: Run): Promise<{ path: string; code: string }> {
  await login.prints(/Waiting until/);
  const { pathname, search } = new URL(/^ *(http\S+user_code=\S+)$/m.exec(login.printed())?.[1] ?? '');
  return { path: pathname + search, code: /this code: +([A-Z]{4}-[A-Z]{4})/.exec(login.printed())?.[1] ?? '' };
}

const press = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click();

test('the device shows a code, its owner signs in, approves, and it has a login', async ({ page, device }) => {
  const { owner, name, slug } = await found();
  const laptop = device();
  const login = laptop.start(['login']);
  const { path, code } = await shown(login);

  await page.goto(path);
  await expect(page).toHaveURL(/\/login\?/);
  await sendLogin(page, owner);
  await expect(page).toHaveURL(new RegExp(`/device\\?user_code=${code}$`));
  const main = page.getByRole('main');
  await expect(main).toContainText(code);
  await expect(main).toContainText(hostname());
  await expect(main).toContainText(/did you start this/i);
  await expect(main).toContainText(name);
  await press(page, 'Approve');
  await expect(page.getByRole('heading', { name: 'The device is approved' })).toBeVisible();

  const { code: exit, output } = await login.ended;
  expect(exit).toBe(0);
  expect(output).toContain(`Signed in as ${owner.name}, ${name}`);
  expect((await laptop.finish('run', '--', 'true')).code).toBe(0);

  await page.goto(`/orgs/${slug}/audit`);
  await expect(page.getByRole('row').filter({ hasText: 'Let a device sign in' })).toContainText(hostname());
  // The code has done its work.
  await page.goto(path);
  await expectFieldError(page, 'user_code', /no device is waiting/i);
});

test('one who denies turns the device away', async ({ page, device }) => {
  await foundAndEnter(page);
  const login = device().start(['login']);
  const { code } = await shown(login);
  await page.goto('/device');
  await field(page, 'user_code').fill(code.toLowerCase().replace('-', ''));
  await press(page, 'Continue');
  await expect(page.getByRole('main')).toContainText(code);
  await press(page, 'Deny');
  await expect(page.getByRole('heading', { name: 'The device was turned away' })).toBeVisible();
  const { code: exit, output } = await login.ended;
  expect(exit).toBe(5);
  expect(output).toMatch(/denied in the browser/i);
});

test('a wrong code is said beside the field, and what was typed stays', async ({ page }) => {
  await foundAndEnter(page);
  await page.goto('/device');
  await press(page, 'Continue');
  await expectFieldError(page, 'user_code', /enter the code/i);
  await field(page, 'user_code').fill('BBBB-CCCC');
  await press(page, 'Continue');
  await expectFieldError(page, 'user_code', /no device is waiting/i);
  await expect(field(page, 'user_code')).toHaveValue('BBBB-CCCC');
});

test('one who belongs to several organizations says which', async ({ page, device }) => {
  const { owner } = await foundAndEnter(page);
  const second = `Second ${random()}`;
  await page.goto('/orgs/new');
  await field(page, 'organization_name').fill(second);
  await press(page, 'Create organization');
  await expect(page).toHaveURL(/\/orgs\/second-/);
  const login = device().start(['login']);
  const { path } = await shown(login);
  await page.goto(path);
  await field(page, 'organization').selectOption({ label: second });
  await press(page, 'Approve');
  await expect(page.getByRole('heading', { name: 'The device is approved' })).toBeVisible();
  expect((await login.ended).output).toContain(`Signed in as ${owner.name}, ${second}`);
});

test('a code that somebody else has used meanwhile is not approved twice', async ({ page, visitor }) => {
  await foundAndEnter(page);
  const other = await visitor();
  await foundAndEnter(other);
  const { user_code } = await beginDevice();
  const path = `/device?user_code=${user_code}`;
  await page.goto(path);
  await other.goto(path);
  await press(other, 'Approve');
  await expect(other.getByRole('heading', { name: 'The device is approved' })).toBeVisible();
  await press(page, 'Approve');
  await expectFieldError(page, 'user_code', /no device is waiting/i);
});

test('Ctrl-C ends the waiting', async ({ device }) => {
  const login = device().terminal(['login']);
  await shown(login);
  login.type('\x03');
  expect((await login.ended).code).toBe(128 + 2);
});
