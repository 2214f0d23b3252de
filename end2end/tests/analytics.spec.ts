/** Counting which features are used: off until somebody in charge switches it on. */

import { call, tokenOf } from '../lib/api.ts';
import { field } from '../lib/forms.ts';
import { foundAndEnter } from '../lib/people.ts';
import { expect, test } from '../lib/test.ts';

const track = (token: string, feature: string, count: number) =>
  call<{ enabled: boolean; recorded: number }>('POST', '/analytics/track', { events: [{ feature, count }] }, token);

test('an organization lets the use of features be counted, sees it, and stops it', async ({ page }) => {
  const { slug, owner } = await foundAndEnter(page);
  const token = await tokenOf(owner);
  expect((await track(token, 'export.pdf', 1)).body).toEqual({ enabled: false, recorded: 0 });
  await page.goto(`/orgs/${slug}/usage`);
  await page.getByRole('main').getByRole('link', { name: 'Switch it on in the settings' }).click();

  await field(page, 'analytics').selectOption('true');
  await page.getByRole('button', { name: 'Save counting' }).click();
  await expect(field(page, 'analytics')).toHaveValue('true');
  expect((await track(token, 'export.pdf', 1234)).body).toEqual({ enabled: true, recorded: 1 });
  await track(token, 'ai_assist', 56);
  await page.goto(`/orgs/${slug}/usage`);
  const rows = page.getByRole('table', { name: /^Features/ }).getByRole('row');
  await expect(rows.nth(1)).toContainText(/export\.pdf.*1,234/);
  await expect(rows.nth(2)).toContainText(/ai_assist.*56/);

  await page.goto(`/orgs/${slug}/settings`);
  await field(page, 'analytics').selectOption('false');
  await page.getByRole('button', { name: 'Save counting' }).click();
  await expect(field(page, 'analytics')).toHaveValue('false');
  await page.goto(`/orgs/${slug}/usage`);
  await expect(page.getByText('The use of features is not counted')).toBeVisible();
  await page.goto(`/orgs/${slug}/audit`);
  await expect(page.getByText('Let the use of features be counted').first()).toBeVisible();
});

test('a refused start is shown the page that ends the own other session', async ({ page }) => {
  const { owner } = await foundAndEnter(page);
  const token = await tokenOf(owner);
  await call('POST', '/licenses/acquire', { hardware_id: 'one', hostname: 'oslo-7' }, token);
  const refused = await call<{ own_sessions: { device: string; end_url: string }[]; buy_url: string }>(
    'POST',
    '/licenses/acquire',
    { hardware_id: 'two' },
    token,
  );
  expect(refused.status).toBe(429);
  expect(refused.body.own_sessions[0]?.device).toBe('oslo-7');
  await page.goto(refused.body.own_sessions[0]?.end_url ?? '');
  const dialog = page.getByRole('dialog');
  await expect(dialog).toContainText('oslo-7');
  await dialog.getByRole('button', { name: /^Revoke/ }).click();
  await expect(page.getByText('Session revoked; its seat is free')).toBeVisible();
  expect((await call('POST', '/licenses/acquire', { hardware_id: 'two' }, token)).status).toBe(201);
  await page.goto(refused.body.buy_url);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('Billing');
});
