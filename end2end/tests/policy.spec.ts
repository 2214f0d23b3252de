/** What a licence allows: the organisation's own choices, and what only the vendor's staff decide. */

import { call, licenses, tokenOf } from '../lib/api.ts';
import { expectFieldError, field } from '../lib/forms.ts';
import { becomeStaff, foundAndEnter, stranger } from '../lib/people.ts';
import { confirm } from '../lib/screens.ts';
import { expect, random, test } from '../lib/test.ts';

interface Acquired {
  license: { fingerprint_tolerance: string };
  holders?: unknown[];
}

const acquire = (token: string, device: string) => call<Acquired>('POST', '/licenses/acquire', { hardware_id: device }, token);

test('an organization chooses how its devices are compared and whether refusals name holders', async ({ page }) => {
  const { slug, owner } = await foundAndEnter(page);
  const token = await tokenOf(owner);
  expect((await acquire(token, 'one')).body.license.fingerprint_tolerance).toBe('most');
  expect((await acquire(token, 'two')).body.holders).toHaveLength(1);
  const [license] = await licenses(token);
  await page.goto(`/orgs/${slug}/licenses/${license?.id}`);
  await expect(field(page, 'overage_percent')).toHaveCount(0);
  await field(page, 'fingerprint_tolerance').selectOption('any_two');
  await field(page, 'show_holders').selectOption('false');
  await page.getByRole('button', { name: 'Save changes' }).click();
  await expect(page.getByText('any two of its parts').first()).toBeVisible();
  await expect(field(page, 'fingerprint_tolerance')).toHaveValue('any_two');
  // At the next call.
  expect((await acquire(token, 'one')).body.license.fingerprint_tolerance).toBe('any_two');
  expect((await acquire(token, 'two')).body.holders).toEqual([]);
  await page.goto(`/orgs/${slug}/audit`);
  await expect(page.getByRole('main').getByText(/comparison of devices/).first()).toBeVisible();
});

test('staff set the whole policy of a license, with a reason that the organization reads', async ({ page, visitor }) => {
  const name = `Fjordline ${random()}`;
  const { slug, owner } = await foundAndEnter(page, name);
  const token = await tokenOf(owner);
  const desk = await visitor();
  await becomeStaff(desk, stranger('Sofia Marchetti'));
  await field(desk, 'q').fill(slug);
  await field(desk, 'q').press('Enter');
  await desk.getByRole('main').getByRole('link', { name }).click();
  await desk.getByRole('main').getByRole('button', { name: /^Policy/ }).click();
  await field(desk, 'heartbeat_seconds').fill('400');
  await field(desk, 'max_seats').fill('2');
  await field(desk, 'overage_percent').selectOption('50');
  await field(desk, 'reason').fill('Contract 4714');
  await desk.getByRole('dialog').getByRole('button', { name: 'Save policy' }).click();
  await expectFieldError(desk, 'heartbeat_seconds', /shorter than the lease/);
  await expect(field(desk, 'max_seats')).toHaveValue('2');
  await field(desk, 'heartbeat_seconds').fill('120');
  await confirm(desk, /^save policy/i);
  for (const device of ['one', 'two', 'three']) expect((await acquire(token, device)).status, device).toBe(201);
  expect((await acquire(token, 'four')).status).toBe(429);
  await page.goto(`/orgs/${slug}/audit`);
  await expect(page.getByText('Contract 4714').first()).toBeVisible();
});
