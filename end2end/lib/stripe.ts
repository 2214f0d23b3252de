/** The stand-in for Stripe that the portal under test has started: its pages as a customer sees them, and its own buttons. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Page } from '@playwright/test';
import { expect } from './test.ts';
import { environment } from './environment.ts';

/** Card numbers and what they do. */
export const CARDS = { pays: '4242424242424242', declined: '4000000000000002', failsLater: '4000000000000341' } as const;

/** Where the sandbox is, as the portal was told. */
export function sandbox(): string {
  const running = JSON.parse(readFileSync(join(environment().folder, '.portal', 'running.json'), 'utf8')) as { variables: [string, string][] };
  const base = running.variables.find(([name]) => name === 'STRIPE_API_BASE')?.[1];
  if (!base) throw new Error('The portal under test talks to no Stripe sandbox.');
  return base;
}

/**
 * The suite can be pointed at Stripe's test mode: STRIPE_SECRET_KEY (a test key), STRIPE_WEBHOOK_SECRET and, if it is another than
 * Stripe's own, STRIPE_API_BASE are handed to the portal under test. What presses the sandbox's buttons is left out then.
 */
export const withSandbox = !process.env['STRIPE_SECRET_KEY'];

/** Presses one of the sandbox's own buttons. */
export async function control(path: string, body: unknown = {}): Promise<unknown> {
  const answer = await fetch(`${sandbox()}_sandbox/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`_sandbox/${path} answers ${answer.status}: ${await answer.text()}`);
  const text = await answer.text();
  return text ? JSON.parse(text) : undefined;
}

/** Lets the sandbox's time pass. */
export const days = (n: number) => control('advance', { seconds: n * 86_400 });

/** Fills in the hosted page and pays. */
export async function pay(page: Page, card: string = CARDS.pays): Promise<void> {
  if (!withSandbox) return payAtStripe(page, card);
  await expect(page.getByText('This is a sandbox, not Stripe')).toBeVisible();
  await page.locator('[name=card_number]').fill(card);
  await page.locator('[name=exp]').fill('08/30');
  await page.locator('[name=cvc]').fill('123');
  await page.locator('[name=name]').fill('Ingrid Solberg');
  await page.getByRole('button', { name: 'Subscribe' }).click();
}

/** Stripe's own hosted page. Written from its documentation; it has not been run yet. */
async function payAtStripe(page: Page, card: string): Promise<void> {
  await page.locator('#cardNumber').fill(card);
  await page.locator('#cardExpiry').fill('08 / 30');
  await page.locator('#cardCvc').fill('123');
  await page.locator('#billingName').fill('Ingrid Solberg');
  await page.getByTestId('hosted-payment-submit-button').click();
}

interface Customer {
  id: string;
  email: string | null;
}

/** Stripe's customer with that address. */
export async function customerOf(email: string): Promise<string> {
  const answer = await fetch(`${sandbox()}v1/customers?email=${encodeURIComponent(email)}`, { headers: { authorization: 'Bearer sk_test_e2e' } });
  const customer = ((await answer.json()) as { data: Customer[] }).data[0];
  if (!customer) throw new Error(`The sandbox knows nobody with the address ${email}.`);
  return customer.id;
}
