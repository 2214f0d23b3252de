/** Signing in and out. */

import { expectFormError, field } from '../lib/forms.ts';
import { found, foundAndEnter, sendLogin, stranger } from '../lib/people.ts';
import { expect, test } from '../lib/test.ts';

test('a wrong password and an unknown address are told alike', async ({ page }) => {
  const { owner } = await found();
  for (const email of [owner.email, stranger().email]) {
    await page.goto('/login');
    await sendLogin(page, { email, password: 'not the password of anybody' });
    await expectFormError(page, /email or password is wrong/i);
    await expect(field(page, 'email')).toHaveValue(email);
    await expect(page).toHaveURL(/\/login/);
  }
});

test('an empty form says what is missing', async ({ page }) => {
  await page.goto('/login');
  await sendLogin(page, { email: '', password: '' });
  await expect(field(page, 'email')).toHaveAccessibleDescription(/enter your email/i);
});

test('signing out ends the session: the old cookie is dead', async ({ page, visitor }) => {
  const { slug } = await foundAndEnter(page);
  const cookies = await page.context().cookies();
  const session = cookies.find((c) => c.name.startsWith('__Host-'));
  expect(session).toMatchObject({ secure: true, httpOnly: true, sameSite: 'Lax', path: '/' });

  await page.getByRole('button', { name: /your account/i }).click();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await expect(page).not.toHaveURL(/\/orgs\//);
  await page.goto(`/orgs/${slug}`);
  await expect(page).toHaveURL(/\/login/);

  // A copy of the cookie opens nothing either.
  const thief = await visitor();
  await thief.context().addCookies(cookies);
  await thief.goto(`/orgs/${slug}`);
  await expect(thief).toHaveURL(/\/login/);
});

test('whoever is not signed in is asked to, and then sees the page he came for', async ({ page }) => {
  const { owner, slug } = await found();
  await page.goto(`/orgs/${slug}/members`);
  await expect(page).toHaveURL(/\/login/);
  await sendLogin(page, owner);
  await expect(page).toHaveURL(new RegExp(`/orgs/${slug}/members$`));
});

test('the session gets a new id at sign-in', async ({ page }) => {
  const { owner } = await found();
  await page.goto('/login');
  const before = (await page.context().cookies()).find((c) => c.name.startsWith('__Host-'));
  await sendLogin(page, owner);
  await expect(page).toHaveURL(/\/orgs\//);
  const after = (await page.context().cookies()).find((c) => c.name.startsWith('__Host-'));
  expect(after?.value).toBeTruthy();
  expect(after?.value).not.toBe(before?.value);
});
