/** From a stranger to the owner of an organisation with a free licence. */

import { mailbox, link, mail } from '../lib/mailbox.ts';
import { expectFieldError, expectFormError, field } from '../lib/forms.ts';
import { confirmAddress, found, sendLogin, sendSignUp, signIn, signUp, stranger } from '../lib/people.ts';
import { licenses, login, tokenOf } from '../lib/api.ts';
import { seats } from '../lib/screens.ts';
import { expect, test } from '../lib/test.ts';

test('a stranger founds an organization and finds one free license', async ({ page }) => {
  const { owner, slug } = await signUp(page, 'Fjordline Studio');
  await expect(page.locator('h1')).toBeVisible();
  await expect(seats(page)).toHaveText('0 of 1');

  const [license, ...more] = await licenses(await tokenOf(owner));
  expect(more).toEqual([]);
  expect(license).toMatchObject({ tier: 'FREE', max_seats: 1, active: 0 });
  expect(license?.key).toMatch(/^CODITECT(-[A-Z0-9]{4}){3}$/);

  await page.goto(`/orgs/${slug}/licenses`);
  await expect(page.getByRole('main')).toContainText(license?.key ?? 'a key');
  await expect(page.getByRole('main')).toContainText(/free/i);
});

test('the start page leads a signed-in person to the organization', async ({ page }) => {
  const { slug } = await signUp(page, 'Polar Charts');
  await page.goto('/');
  await expect(page).toHaveURL(new RegExp(`/orgs/${slug}$`));
});

test('nothing exists before the address is confirmed', async ({ page }) => {
  const person = stranger();
  await sendSignUp(page, 'Not Yet Ltd', person);
  await expect(page.getByRole('main')).toContainText(person.email);
  await page.goto('/login');
  await sendLogin(page, person);
  await expectFormError(page, /confirm your email/i);
  expect((await login(person)).body).toMatchObject({ code: 'email_unverified' });
});

test('bad input is explained beside the field, and what was typed stays', async ({ page }) => {
  const person = stranger();
  await sendSignUp(page, 'Fjordline Studio', { ...person, email: 'ingrid@nowhere', password: 'short' });
  await expectFieldError(page, 'email', /full address/);
  await expectFieldError(page, 'password', /at least 12 characters/);
  await expect(field(page, 'organization_name')).toHaveValue('Fjordline Studio');
  await expect(field(page, 'name')).toHaveValue(person.name);
  await expect(field(page, 'email')).toHaveValue('ingrid@nowhere');
  expect(await mailbox('ingrid@nowhere')).toEqual([]);

  // Put right, the same form goes through.
  await field(page, 'email').fill(person.email);
  await field(page, 'password').fill(person.password);
  await page.getByRole('button', { name: 'Create organization' }).click();
  await confirmAddress(page, person);
});

test('empty, overlong and invisible names are refused', async ({ page }) => {
  const person = stranger();
  await sendSignUp(page, '', { ...person, name: ' ' });
  await expectFieldError(page, 'organization_name', /enter the name of your organization/i);
  await expectFieldError(page, 'name', /enter your name/i);
  // The browser would not take so many, but others do.
  await field(page, 'organization_name').evaluate((input) => input.removeAttribute('maxlength'));
  await field(page, 'organization_name').fill('x'.repeat(101));
  await field(page, 'name').fill('safe\u202eevil');
  await page.getByRole('button', { name: 'Create organization' }).click();
  await expectFieldError(page, 'organization_name', /at most 100 characters/);
  await expectFieldError(page, 'name', /invisible/);
  expect(await mailbox(person.email)).toEqual([]);
});

test('names keep every letter, and none becomes markup', async ({ page }) => {
  const { owner } = await signUp(page, 'Zoë & Søn <b>"A/S"</b> 船', stranger('Amélie <i>Łoś</i>'));
  await expect(page.getByText('Zoë & Søn <b>"A/S"</b> 船').first()).toBeAttached();
  const message = await mail(owner.email, /^Confirm/);
  expect(message.text).toContain('Zoë & Søn <b>"A/S"</b> 船');
  expect(message.html).not.toContain('<b>');
});

test('a known address gets another mail and the page says the same', async ({ page, visitor }) => {
  const { owner } = await found();
  const newcomer = stranger();
  const other = await visitor();
  await sendSignUp(other, 'Somewhere Else', newcomer);
  await expect(other.getByRole('main')).toContainText(newcomer.email);

  await sendSignUp(page, 'Second Try', { ...owner, password: newcomer.password });
  await expect(page.getByRole('main')).toContainText(owner.email);
  const said = async (p: typeof page, email: string) => (await p.getByRole('main').innerText()).replaceAll(email, 'ADDRESS');
  expect(await said(page, owner.email)).toEqual(await said(other, newcomer.email));

  const message = await mail(owner.email, /already have a CODITECT account/);
  expect(link(message)).toBe('/login');
  // The password that the stranger chose opens nothing.
  expect((await login({ email: owner.email, password: newcomer.password })).status).toBe(401);
});

test('the link may be followed again, and a made-up one is dead', async ({ page }) => {
  const person = stranger();
  await sendSignUp(page, 'Twice Confirmed', person);
  await expect(page).toHaveURL(/\/signup\/sent/);
  await confirmAddress(page, person);
  await confirmAddress(page, person);
  await signIn(page, person);
  await page.goto('/verify-email?token=made-up');
  const button = page.getByRole('main').getByRole('button');
  if (await button.count()) await button.first().click();
  await expect(page.getByRole('main')).toContainText(/not valid|no longer valid/i);
});
