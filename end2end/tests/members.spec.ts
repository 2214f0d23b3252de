/** A colleague comes, works, is promoted, and goes. */

import { setPolicy, setSeats } from '../lib/admin.ts';
import { call, done, login, sessions, tokenOf } from '../lib/api.ts';
import { expectFieldError, field } from '../lib/forms.ts';
import { link, mail, mailbox } from '../lib/mailbox.ts';
import { foundAndEnter, join, sendLogin, signIn, stranger, type Person } from '../lib/people.ts';
import { confirm, memberRow, rowAction } from '../lib/screens.ts';
import { expect, test } from '../lib/test.ts';
import type { Page } from '@playwright/test';

/** Fills in the invitation form and sends it. */
async function invite(page: Page, slug: string, email: string, role: string): Promise<void> {
  await page.goto(`/orgs/${slug}/members`);
  await field(page, 'email').fill(email);
  await field(page, 'role').selectOption(role);
  await page.getByRole('button', { name: 'Send invitation' }).click();
}

/** Follows the mailed link and fills in the form behind it. */
async function accept(page: Page, person: Person): Promise<void> {
  await page.goto(link(await mail(person.email, /invites you/)));
  await field(page, 'name').fill(person.name);
  await field(page, 'password').fill(person.password);
  await page.getByRole('button', { name: 'Accept invitation' }).click();
}

test('a colleague is invited, works, becomes an admin, and loses session and seat when removed', async ({ page, visitor, device }) => {
  const { slug, owner, name } = await foundAndEnter(page);
  await setSeats(slug, 2);
  await setPolicy(slug, 60, 5);
  const jonas = stranger('Jonas Lindqvist');

  await invite(page, slug, jonas.email, 'MEMBER');
  await expect(memberRow(page, jonas.email)).toBeVisible();
  const letter = await mail(jonas.email, /invites you/);
  expect(letter.subject).toContain(owner.name);
  expect(letter.text).toContain(name);

  const his = await visitor();
  await accept(his, jonas);
  await expect(his).toHaveURL(/\/login/);
  await sendLogin(his, jonas);
  await expect(his).toHaveURL(new RegExp(`/orgs/${slug}(\\?.*)?$`));
  // A member does not manage members.
  await his.goto(`/orgs/${slug}/members`);
  await expect(his.getByRole('button', { name: 'Send invitation' })).toHaveCount(0);

  const laptop = device();
  await laptop.login(jonas);
  const run = await laptop.run('sleep', '600');
  const token = await tokenOf(owner);
  expect((await sessions(token)).map((s) => s.user_name)).toEqual([jonas.name]);

  await page.goto(`/orgs/${slug}/members`);
  await changeRole(page, jonas.email, 'ADMIN');
  await expect(memberRow(page, jonas.email)).toContainText('Admin');
  // He still works, and manages members from now on.
  await his.goto(`/orgs/${slug}/members`);
  await expect(his.getByRole('button', { name: 'Send invitation' })).toBeVisible();
  expect(await sessions(token)).toHaveLength(1);

  await page.goto(`/orgs/${slug}/members`);
  await rowAction(memberRow(page, jonas.email), /remove/i);
  await confirm(page, /remove/i);
  await expect(memberRow(page, jonas.email)).toHaveCount(0);

  // Seat, browser session and login have ended with it.
  expect(await sessions(token)).toEqual([]);
  // He hears it from the heartbeat, or from the login if that was being renewed just then.
  expect((await run.ended).output).toMatch(/no longer belong to the organization/i);
  await his.goto(`/orgs/${slug}`);
  await expect(his).toHaveURL(/\/login/);
  expect((await laptop.finish('run', '--', 'true')).code).toBe(5);
  await mail(jonas.email, /you were removed/i);
});

/** Gives the member of that row another role, by the row's menu and the form behind it. */
async function changeRole(page: Page, email: string, role: string): Promise<void> {
  await rowAction(memberRow(page, email), /role/i);
  const dialog = page.getByRole('dialog');
  await dialog.locator('[name=role]').selectOption(role);
  await confirm(page, /role/i);
}

test('bad invitations are explained beside the field', async ({ page }) => {
  const { slug, owner } = await foundAndEnter(page);
  await invite(page, slug, 'jonas@nowhere', 'ADMIN');
  await expectFieldError(page, 'email', /full address/);
  await expect(field(page, 'email')).toHaveValue('jonas@nowhere');
  await expect(field(page, 'role')).toHaveValue('ADMIN');
  await invite(page, slug, owner.email, 'MEMBER');
  await expectFieldError(page, 'email', /is a member already/);
  expect((await mailbox(owner.email)).filter((m) => /invites you/.test(m.subject))).toEqual([]);
});

test('the link works once, and not after it was taken back', async ({ page, visitor }) => {
  const { slug } = await foundAndEnter(page);
  const [jonas, yuki] = [stranger('Jonas Lindqvist'), stranger('Yuki Tanaka')];
  await invite(page, slug, jonas.email, 'GUEST');
  await expect(memberRow(page, jonas.email)).toBeVisible();
  const other = await visitor();
  await accept(other, jonas);
  await expect(other).toHaveURL(/\/login/);
  await other.goto(link(await mail(jonas.email, /invites you/)));
  await expect(other.getByRole('main')).toContainText(/no longer valid/i);

  await invite(page, slug, yuki.email, 'GUEST');
  await rowAction(memberRow(page, yuki.email), /withdraw|cancel|revoke|take back/i);
  if (await page.getByRole('dialog').count()) await confirm(page, /withdraw|cancel|revoke|take back/i);
  await expect(memberRow(page, yuki.email)).toHaveCount(0);
  await other.goto(link(await mail(yuki.email, /invites you/)));
  await expect(other.getByRole('main')).toContainText(/no longer valid/i);
});

test('somebody with a login joins a second organization and switches between the two', async ({ page, visitor }) => {
  const first = await foundAndEnter(page, 'Fjordline Studio');
  const other = await visitor();
  const second = await foundAndEnter(other, 'Polar Charts');
  await done('POST', '/members/invitations', { email: first.owner.email, role: 'MEMBER' }, await tokenOf(second.owner));
  await page.goto(link(await mail(first.owner.email, /invites you/)));
  await page.getByRole('button', { name: 'Accept invitation' }).click();
  await expect(page).toHaveURL(new RegExp(`/orgs/${second.slug}`));

  await page.getByRole('button', { name: /^Organization: Polar Charts/ }).click();
  await page.getByRole('link', { name: 'Fjordline Studio' }).first().click();
  await expect(page).toHaveURL(new RegExp(`/orgs/${first.slug}$`));
  // The API asks which one is meant.
  expect(await login(first.owner)).toMatchObject({ status: 409, body: { code: 'tenant_required' } });
  await tokenOf(first.owner, second.slug);
});

test('the only owner cannot go', async ({ page }) => {
  const { slug, owner } = await foundAndEnter(page);
  const { user } = await done<{ user: { id: string } }>('GET', '/auth/me', undefined, await tokenOf(owner));
  const token = await tokenOf(owner);
  expect(await call('DELETE', `/members/${user.id}`, undefined, token)).toMatchObject({ status: 409, body: { code: 'last_owner' } });
  expect(await call('PATCH', `/members/${user.id}`, { role: 'MEMBER' }, token)).toMatchObject({ status: 409, body: { code: 'last_owner' } });
  await page.goto(`/orgs/${slug}/members`);
  await expect(memberRow(page, owner.email)).toContainText('Owner');
});

test('a demoted admin is signed out and keeps only what a guest has', async ({ page, visitor, device }) => {
  const organization = await foundAndEnter(page);
  const { slug } = organization;
  await setPolicy(slug, 60, 5);
  const admin = await join(organization, 'ADMIN');
  const his = await visitor();
  await signIn(his, admin);
  const laptop = device();
  await laptop.login(admin);
  const run = await laptop.run('sleep', '600');

  await page.goto(`/orgs/${slug}/members`);
  await changeRole(page, admin.email, 'GUEST');
  await expect(memberRow(page, admin.email)).toContainText('Guest');
  expect(await sessions(await tokenOf(organization.owner))).toEqual([]);
  expect([4, 5]).toContain((await run.ended).code);
  await his.goto(`/orgs/${slug}`);
  await expect(his).toHaveURL(/\/login/);
  await sendLogin(his, admin);
  await expect(his).toHaveURL(new RegExp(`/orgs/${slug}`));
  expect((await his.goto(`/orgs/${slug}/members`))?.status()).toBe(403);
});
