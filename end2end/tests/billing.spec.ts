/** Buying and changing seats, with JavaScript and without. */

import { type Page } from '@playwright/test';
import { field } from '../lib/forms.ts';
import { foundAndEnter, join, signIn, stranger } from '../lib/people.ts';
import { seats } from '../lib/screens.ts';
import { CARDS, pay } from '../lib/stripe.ts';
import { expect, test } from '../lib/test.ts';

/** Buys the first seats through the hosted page. Ends on the billing page. */
export async function buy(page: Page, slug: string, number: number): Promise<void> {
  await page.goto(`/orgs/${slug}/billing`);
  await field(page, 'seats').fill(String(number));
  await page.getByRole('button', { name: 'Buy seats' }).click();
  await pay(page);
  await expect(page).toHaveURL(/\/orgs\/[a-z0-9-]+\/billing/);
  await expect(page.getByRole('status').filter({ hasText: 'Your seats are there' })).toBeVisible();
}

/** Chooses another number, sees its price and agrees. */
async function change(page: Page, number: number, price: RegExp, javaScript: boolean): Promise<void> {
  await field(page, 'seats').fill(String(number));
  if (!javaScript) await page.getByRole('button', { name: 'Show price' }).click();
  await expect(page.getByText(price)).toBeVisible();
  await page.getByRole('button', { name: 'Update seats' }).click();
}

test('buy seats, add some, take some away, and take that back', async ({ page, javaScript }) => {
  const { slug } = await foundAndEnter(page);
  await buy(page, slug, 5);
  await expect(seats(page)).toHaveText('0 of 5');
  await expect(page.getByRole('heading', { name: 'Pro plan' })).toBeVisible();
  await expect(page.getByText('5 owned, 0 in use')).toBeVisible();
  await expect(page.getByText('$140.00').first()).toBeVisible();
  await expect(page.getByText('Visa ending 4242')).toBeVisible();

  await change(page, 7, /today for 2 more seats until .*, then \$196\.00 a month\./, javaScript);
  await expect(page.getByText('Seats added')).toBeVisible();
  await expect(seats(page)).toHaveText('0 of 7');

  await change(page, 4, /Nothing today\. From .* on you have 4 seats for \$112\.00 a month\./, javaScript);
  await expect(page.getByText('Fewer seats are booked')).toBeVisible();
  await expect(seats(page)).toHaveText('0 of 7');
  await expect(page.getByText(/From .* on you have 4 seats\./)).toBeVisible();
  await page.getByRole('button', { name: 'Keep 7 seats' }).click();
  await expect(page.getByText('You keep your seats')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Keep 7 seats' })).toHaveCount(0);
});

test('a number that was typed before the page was alive has its price', async ({ page, javaScript }) => {
  test.skip(!javaScript, 'the page never comes alive');
  const { slug } = await foundAndEnter(page);
  await buy(page, slug, 2);
  let release = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  await page.route(/\.wasm/, async (route) => {
    await released;
    await route.continue();
  });
  await page.goto(`/orgs/${slug}/billing`, { waitUntil: 'commit' });
  await field(page, 'seats').fill('3');
  release();
  await expect(page.getByText(/today for 1 more seat until/)).toBeVisible();
  await page.getByRole('button', { name: 'Update seats' }).click();
  await expect(seats(page)).toHaveText('0 of 3');
});

test('a declined card leaves everything as it was, and another one pays', async ({ page }) => {
  const { slug } = await foundAndEnter(page);
  await page.goto(`/orgs/${slug}/billing`);
  await field(page, 'seats').fill('3');
  await page.getByRole('button', { name: 'Buy seats' }).click();
  await pay(page, CARDS.declined);
  await expect(page.getByText(/declined/i).first()).toBeVisible();
  await pay(page);
  await expect(page.getByText('Your seats are there')).toBeVisible();
  await expect(seats(page)).toHaveText('0 of 3');
});

test('back from the payment page without paying', async ({ page }) => {
  const { slug } = await foundAndEnter(page);
  await page.goto(`/orgs/${slug}/billing`);
  await field(page, 'seats').fill('3');
  await page.getByRole('button', { name: 'Buy seats' }).click();
  await expect(page).not.toHaveURL(/\/orgs\//);
  await page.getByRole('link', { name: /back/i }).first().click();
  await expect(page).toHaveURL(new RegExp(`/orgs/${slug}/billing`));
  await expect(seats(page)).toHaveText('0 of 1');
  await expect(page.getByText('No invoices yet')).toBeVisible();
});

test('cancel and resume', async ({ page }) => {
  const { slug } = await foundAndEnter(page);
  await buy(page, slug, 2);
  await page.getByRole('link', { name: 'Cancel plan' }).click();
  await expect(page.getByRole('dialog')).toContainText(/You keep 2 seats until .*Then you have the free plan: 1 seat\./);
  await page.getByRole('dialog').getByRole('button', { name: 'Cancel plan' }).click();
  await expect(page.getByText(/The plan is canceled and ends on/)).toBeVisible();
  await page.getByRole('button', { name: 'Resume plan' }).click();
  await expect(page.getByText('Plan resumed')).toBeVisible();
  await expect(page.getByText(/The plan is canceled and ends on/)).toHaveCount(0);
});

test('what is no number of seats is said beside the field', async ({ page, javaScript }) => {
  const { slug } = await foundAndEnter(page);
  await page.goto(`/orgs/${slug}/billing`);
  for (const wrong of ['0', 'many', '10001', '-3', '2.5']) {
    await field(page, 'seats').fill(wrong);
    if (!javaScript) await page.getByRole('button', { name: 'Show price' }).click();
    await expect(field(page, 'seats')).toHaveAttribute('aria-invalid', 'true');
    await expect(field(page, 'seats')).toHaveAccessibleDescription(/seats/);
  }
});

test('billing details are asked for, checked and kept', async ({ page }) => {
  const { slug } = await foundAndEnter(page);
  await page.goto(`/orgs/${slug}/billing?edit=details`);
  await field(page, 'company').fill('Meridian Geodata AS');
  await field(page, 'email').fill('accounts@meridian.example');
  await field(page, 'line1').fill('');
  await page.getByRole('button', { name: 'Save details' }).click();
  await expect(field(page, 'line1')).toHaveAttribute('aria-invalid', 'true');
  await expect(field(page, 'company')).toHaveValue('Meridian Geodata AS');
  await field(page, 'line1').fill('Havnegata 9');
  await field(page, 'postal_code').fill('7010');
  await field(page, 'city').fill('Trondheim');
  await page.getByLabel('Country').selectOption('NO');
  await field(page, 'vat_number').fill('987654321MVA');
  await field(page, 'purchase_order').fill('PO-4711');
  await page.getByRole('button', { name: 'Save details' }).click();
  await expect(page.getByText('Changes saved')).toBeVisible();
  await page.goto(`/orgs/${slug}/billing?edit=details`);
  await expect(field(page, 'vat_number')).toHaveValue('987654321MVA');
  await expect(field(page, 'purchase_order')).toHaveValue('PO-4711');
  await expect(page.getByText(/Meridian Geodata AS, Havnegata 9, 7010 Trondheim, Norway/)).toHaveCount(1);
});

test('who may buy, and whom everybody else is told to ask', async ({ page, visitor }) => {
  const organization = await foundAndEnter(page);
  const { slug, owner } = organization;
  const admin = await join(organization, 'ADMIN', stranger('Per Lund'));
  const billing = await join(organization, 'BILLING', stranger('Mona Berg'));
  const member = await join(organization, 'MEMBER');
  const button = (p: Page) => p.getByRole('button', { name: 'Buy seats' });

  for (const who of [billing, admin]) {
    const theirs = await visitor();
    await signIn(theirs, who);
    await theirs.goto(`/orgs/${slug}/billing`);
    await expect(button(theirs)).toBeVisible();
  }
  await page.goto(`/orgs/${slug}/billing`);
  await page.getByRole('button', { name: 'Keep it from admins' }).click();
  await expect(page.getByText('Only owners and billing may change seats.')).toBeVisible();
  const theirs = await visitor();
  await signIn(theirs, admin);
  await theirs.goto(`/orgs/${slug}/billing`);
  await expect(button(theirs)).toHaveCount(0);
  await expect(theirs.getByText(`You may look; plan and seats are changed by ${owner.name} or ${billing.name}.`)).toBeVisible();

  const outside = await visitor();
  await signIn(outside, member);
  expect((await outside.goto(`/orgs/${slug}/billing`))?.status()).toBe(403);
  await expect(outside.getByText(`${owner.name} or ${billing.name}`)).toBeVisible();
  await expect(outside.getByRole('link', { name: 'Billing' })).toHaveCount(0);
});
