/** A forgotten password. */

import { call, login } from '../lib/api.ts';
import { expectFieldError, expectFormError, field } from '../lib/forms.ts';
import { link, mail, mailbox } from '../lib/mailbox.ts';
import { found, foundAndEnter, sendLogin, signIn, stranger } from '../lib/people.ts';
import { expect, test } from '../lib/test.ts';

test('a new password by mail ends every other sign-in', async ({ page, visitor, javaScript }) => {
  const { owner, slug } = await foundAndEnter(page);
  const application = (await login(owner)).body;

  const elsewhere = await visitor();
  await elsewhere.goto('/login');
  await elsewhere.getByRole('link', { name: 'Forgot password?' }).click();
  await field(elsewhere, 'email').fill(owner.email);
  await elsewhere.getByRole('button', { name: 'Send reset link' }).click();
  await expect(elsewhere.getByRole('main')).toContainText(owner.email);

  const path = link(await mail(owner.email, /^Set a new CODITECT password/));
  await elsewhere.goto(path);
  await field(elsewhere, 'password').fill('short');
  await elsewhere.getByRole('button', { name: 'Set new password' }).click();
  await expectFieldError(elsewhere, 'password', /at least 12 characters/);
  const fresh = { email: owner.email, password: 'the ferry leaves at ten instead' };
  await field(elsewhere, 'password').fill(fresh.password);
  await elsewhere.getByRole('button', { name: 'Set new password' }).click();
  await mail(owner.email, /password was changed/);

  // The browser that was signed in is not any longer, and with scripts its page says so by itself; the application's login cannot be renewed.
  if (javaScript) await expect(page).toHaveURL(/\/login/);
  await page.goto(`/orgs/${slug}`);
  await expect(page).toHaveURL(/\/login/);
  expect(await call('POST', '/auth/refresh', { refresh_token: application.refresh_token })).toMatchObject({ status: 401 });

  await page.goto('/login');
  await sendLogin(page, owner);
  await expectFormError(page, /email or password is wrong/i);
  await signIn(page, fresh);

  // The link works once.
  await elsewhere.goto(path);
  await expect(elsewhere.getByRole('main')).toContainText(/not valid|no longer valid/i);
});

test('an unknown address is told the same and gets nothing', async ({ page }) => {
  const { owner } = await found();
  const unknown = stranger().email;
  const said: string[] = [];
  for (const email of [owner.email, unknown]) {
    await page.goto('/forgot-password');
    await field(page, 'email').fill(email);
    await page.getByRole('button', { name: 'Send reset link' }).click();
    await expect(page.getByRole('main')).toContainText(email);
    said.push((await page.getByRole('main').innerText()).replaceAll(email, 'ADDRESS'));
  }
  expect(said[1]).toEqual(said[0]);
  await mail(owner.email, /^Set a new/);
  expect(await mailbox(unknown)).toEqual([]);
});

test('a malformed address is refused beside the field', async ({ page }) => {
  await page.goto('/forgot-password');
  await field(page, 'email').fill('nobody');
  await page.getByRole('button', { name: 'Send reset link' }).click();
  await expectFieldError(page, 'email', /full address/);
  await expect(field(page, 'email')).toHaveValue('nobody');
});

test('somebody who is signed in changes the password', async ({ page, visitor }) => {
  const { owner, slug } = await foundAndEnter(page);
  const other = await visitor();
  await signIn(other, owner);
  await page.goto('/account');
  await field(page, 'current_password').fill(owner.password);
  await field(page, 'password').fill('another ferry leaves at eleven');
  await page.getByRole('button', { name: /change password|set new password/i }).click();
  await mail(owner.email, /password was changed/);
  expect((await login(owner)).status).toBe(401);
  await other.goto(`/orgs/${slug}`);
  await expect(other).toHaveURL(/\/login/);
});
