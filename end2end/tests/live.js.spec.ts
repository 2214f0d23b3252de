/** Pages that follow what happens, without being loaded again. */

import { setSeats } from '../lib/admin.ts';
import { foundAndEnter } from '../lib/people.ts';
import { personRow, seats, sessionRow } from '../lib/screens.ts';
import { expect, test } from '../lib/test.ts';

/** What the issue promises. */
const SOON = { timeout: 2_000 };

test('overview and sessions show a seat taken and given back within two seconds', async ({ page, device }) => {
  const { owner, slug } = await foundAndEnter(page);
  const list = await page.context().newPage();
  await list.goto(`/orgs/${slug}/sessions`);
  for (const p of [page, list]) {
    await expect(p.getByRole('status').filter({ hasText: 'Live' })).toBeVisible();
    await p.evaluate(() => Object.assign(window, { loadedOnce: true }));
  }
  const laptop = device();
  await laptop.login(owner);

  const run = await laptop.run('sleep', '600');
  await expect(personRow(page, owner.name)).toHaveCount(1, SOON);
  await expect(sessionRow(list, owner.name)).toHaveCount(1, SOON);
  for (const p of [page, list]) await expect(seats(p)).toHaveText('1 of 1');

  run.kill('SIGTERM');
  await run.ended;
  await expect(seats(page)).toHaveText('0 of 1', SOON);
  await expect(personRow(page, owner.name)).toHaveCount(0, SOON);
  await expect(sessionRow(list, owner.name)).toHaveCount(0, SOON);
  for (const p of [page, list]) expect(await p.evaluate(() => 'loadedOnce' in window)).toBe(true);
});

test('a change of seats from the shell arrives on an open page', async ({ page }) => {
  const { slug } = await foundAndEnter(page);
  await expect(seats(page)).toHaveText('0 of 1');
  await setSeats(slug, 7);
  await expect(seats(page)).toHaveText('0 of 7');
});

test('the license key can be copied', async ({ page }) => {
  const { slug } = await foundAndEnter(page);
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.goto(`/orgs/${slug}/licenses`);
  const copy = page.getByRole('main').getByRole('button', { name: /^cop(y|ied) license key$/i }).first();
  await copy.click();
  await expect(copy).toHaveAccessibleName(/copied/i);
  expect(await page.evaluate(() => navigator.clipboard.readText())).toMatch(/^CODITECT(-[A-Z0-9]{4}){3}$/);
});

test('a form checks a field as one leaves it', async ({ page }) => {
  await page.goto('/signup');
  await expect(page.getByRole('button', { name: 'Show password' })).toBeVisible();
  const email = page.locator('[name=email]');
  await email.fill('ingrid@nowhere');
  await page.locator('[name=password]').focus();
  await expect(email).toHaveAccessibleDescription(/full address/);
  await email.fill('ingrid@fjordline.example');
  await page.locator('[name=password]').focus();
  await expect(email).not.toHaveAttribute('aria-invalid', 'true');
});
