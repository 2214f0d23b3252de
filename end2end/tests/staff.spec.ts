/** The vendor's staff help a customer, and the customer can see it. */

import { setPolicy } from '../lib/admin.ts';
import { expectFieldError, field } from '../lib/forms.ts';
import { becomeStaff, foundAndEnter, stranger } from '../lib/people.ts';
import { askToRevoke, confirm, sessionRow } from '../lib/screens.ts';
import { expect, random, test } from '../lib/test.ts';

test('staff find a tenant and revoke a session with a reason, which stands in the tenant’s audit log', async ({ page, visitor, device }) => {
  const name = `Fjordline ${random()}`;
  const { slug, owner } = await foundAndEnter(page, name);
  await setPolicy(slug, 60, 5);
  const laptop = device();
  await laptop.login(owner);
  const run = await laptop.run('sleep', '600');

  const sofia = stranger('Sofia Marchetti');
  const desk = await visitor();
  await becomeStaff(desk, sofia);

  for (const words of [owner.email, slug, name]) {
    await desk.goto('/support');
    await field(desk, 'q').fill(words);
    await field(desk, 'q').press('Enter');
    await expect(desk.getByRole('main').getByRole('link', { name })).toBeVisible();
  }
  await desk.getByRole('main').getByRole('link', { name }).click();
  await expect(desk).toHaveURL(/\/support\/tenants\/[0-9a-f-]{36}/);
  await expect(sessionRow(desk, owner.name)).toHaveCount(1);

  // Without a reason nothing happens.
  await askToRevoke(desk, owner.name);
  await desk.getByRole('dialog').getByRole('button', { name: /^revoke/i }).click();
  await expectFieldError(desk, 'reason', /reason/i);
  await field(desk, 'reason').fill('Stuck after a power cut, ticket 4711');
  await confirm(desk, /^revoke/i);
  await expect(sessionRow(desk, owner.name)).toHaveCount(0);

  expect((await run.ended).output).toContain('ticket 4711');
  await page.goto(`/orgs/${slug}/audit`);
  const entry = page.getByRole('main').getByText('Stuck after a power cut, ticket 4711');
  await expect(entry.first()).toBeVisible();
  await expect(page.getByRole('main')).toContainText(sofia.email.split('@')[0] ?? '');
});

test('staff suspend an organization and restore it', async ({ page, visitor, device }) => {
  const name = `Fjordline ${random()}`;
  const { slug, owner } = await foundAndEnter(page, name);
  await setPolicy(slug, 60, 5);
  const laptop = device();
  await laptop.login(owner);
  const run = await laptop.run('sleep', '600');
  const sofia = stranger('Sofia Marchetti');
  const desk = await visitor();
  await becomeStaff(desk, sofia);
  await field(desk, 'q').fill(slug);
  await field(desk, 'q').press('Enter');
  await desk.getByRole('main').getByRole('link', { name }).click();

  const act = async (what: RegExp) => {
    await desk.getByRole('main').getByRole('link', { name: what }).or(desk.getByRole('main').getByRole('button', { name: what })).first().click();
    await confirm(desk, what, 'Payment dispute, ticket 4712');
  };
  await act(/suspend/i);
  expect((await run.ended).code).toBe(4);
  expect((await laptop.finish('run', '--', 'true')).code).toBe(4);
  await act(/restore/i);
  expect((await laptop.finish('run', '--', 'true')).code).toBe(0);
});

test('staff grant the Enterprise plan and take it back', async ({ page, visitor }) => {
  const name = `Fjordline ${random()}`;
  const { slug } = await foundAndEnter(page, name);
  const desk = await visitor();
  await becomeStaff(desk, stranger('Sofia Marchetti'));
  await field(desk, 'q').fill(slug);
  await field(desk, 'q').press('Enter');
  await desk.getByRole('main').getByRole('link', { name }).click();
  await desk.getByRole('link', { name: 'Grant Enterprise plan' }).click();
  await field(desk, 'seats').fill('many');
  await field(desk, 'reason').fill('Contract 4713');
  await desk.getByRole('dialog').getByRole('button', { name: 'Grant plan' }).click();
  await expectFieldError(desk, 'seats', /number of seats/i);
  await field(desk, 'seats').fill('50');
  await confirm(desk, /^grant plan/i);
  await expect(desk.getByText('Granted by us; nothing is charged.')).toBeVisible();

  await page.goto(`/orgs/${slug}/billing`);
  await expect(page.getByRole('heading', { name: 'Enterprise plan' })).toBeVisible();
  await expect(page.getByText('50 owned, 0 in use')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Buy seats' })).toHaveCount(0);
  await page.goto(`/orgs/${slug}/audit`);
  await expect(page.getByText('Contract 4713').first()).toBeVisible();

  await desk.getByRole('link', { name: 'End grant' }).click();
  await confirm(desk, /^end grant/i, 'Contract 4713 has ended');
  await page.goto(`/orgs/${slug}/billing`);
  await expect(page.getByRole('heading', { name: 'Free plan' })).toBeVisible();
});

test('for everybody else the console does not exist', async ({ page }) => {
  await foundAndEnter(page);
  for (const path of ['/support', '/support/tenants/00000000-0000-4000-8000-000000000000']) {
    expect((await page.goto(path))?.status(), path).toBe(404);
  }
});

test('the search box of the console is harmless', async ({ page }) => {
  await becomeStaff(page, stranger('Sofia Marchetti'));
  for (const words of ["' or 1=1 --", '%', '_', '<script>alert(1)</script>', '\u202e', 'x'.repeat(500)]) {
    const answer = await page.goto(`/support?q=${encodeURIComponent(words)}`);
    expect(answer?.status(), words).toBe(200);
    await expect(page.locator('h1')).toBeVisible();
  }
});

