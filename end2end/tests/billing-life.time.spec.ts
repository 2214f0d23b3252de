/** The whole life of a plan, with real clients: bought, used up, enlarged, reduced, unpaid, paid again. The sandbox's time passes. */

import { admin, setPolicy } from '../lib/admin.ts';
import { type Device } from '../lib/device.ts';
import { mail } from '../lib/mailbox.ts';
import { foundAndEnter } from '../lib/people.ts';
import { seats } from '../lib/screens.ts';
import { CARDS, control, customerOf, days, pay, withSandbox } from '../lib/stripe.ts';
import { expect, test } from '../lib/test.ts';
import { until } from '../lib/wait.ts';
import { field } from '../lib/forms.ts';

test('sign up, buy, use, enlarge, reduce, fail to pay, pay', async ({ page, device }) => {
  test.skip(!withSandbox, 'only the sandbox lets time pass');
  test.setTimeout(180_000);
  const { slug, owner } = await foundAndEnter(page);
  const billing = `/orgs/${slug}/billing`;
  await page.goto(billing);
  await field(page, 'seats').fill('5');
  await page.getByRole('button', { name: 'Buy seats' }).click();
  await pay(page);
  await expect(seats(page)).toHaveText('0 of 5');
  await setPolicy(slug, 3600, 5);

  // Five run, the sixth is refused.
  const devices: Device[] = [];
  for (let i = 0; i < 6; i++) {
    const d = device();
    await d.login(owner);
    devices.push(d);
  }
  const runs = [];
  for (const d of devices.slice(0, 5)) runs.push(await d.run('sleep', '600'));
  const sixth = devices[5]!;
  const refused = await sixth.finish('run', '--', 'true');
  expect(refused.code).toBe(3);
  expect(refused.output).toContain('5 of 5 in use');

  // Two more: it starts.
  await page.goto(billing);
  await field(page, 'seats').fill('7');
  await expect(page.getByText(/today for 2 more seats/)).toBeVisible();
  await page.getByRole('button', { name: 'Update seats' }).click();
  await expect(seats(page)).toHaveText('5 of 7');
  runs.push(await sixth.run('sleep', '600'));

  // Three fewer from the end of the period on: who runs goes on, who comes is refused.
  await field(page, 'seats').fill('4');
  await expect(page.getByText(`6 seats are in use now, by ${owner.name}.`)).toBeVisible();
  await page.getByRole('button', { name: 'Update seats' }).click();
  await expect(page.getByText(/From .* on you have 4 seats/).first()).toBeVisible();
  await days(32);
  await until('the reduced plan', async () => {
    await page.goto(billing);
    // The parts of a page are read one after the other: one that is made at that very moment may still say 7 beside it.
    return (await page.getByText('4 owned').count()) > 0 && (await seats(page).textContent()) === '6 of 4';
  });
  const newcomer = device();
  await newcomer.login(owner);
  expect((await newcomer.finish('run', '--', 'true')).code).toBe(3);
  for (const run of runs) expect(run.printed()).not.toMatch(/ended|refused/i);
  for (const run of runs.splice(1)) {
    run.kill('SIGTERM');
    await run.ended;
  }
  expect((await newcomer.finish('run', '--', 'true')).code).toBe(0);

  // The card fails at the next charge: mail, banner, everything works.
  const customer = await customerOf(owner.email);
  await control('card', { customer, number: CARDS.failsLater });
  await days(31);
  await until('the banner', async () => {
    await page.goto(billing);
    return (await page.getByText(/Payment of \$112\.00 failed/).count()) > 0;
  });
  await expect(page.getByText(/We try again on \d+ \w+ \d{4}\. If it is still open on \d+ \w+ \d{4}, new starts are refused/)).toBeVisible();
  expect((await mail(owner.email, /^Payment of \$112\.00 for .* failed/)).text).toMatch(/It is tried again on \d+ \w+ \d{4}\./);
  await page.goto(`/orgs/${slug}`);
  await expect(page.getByText(/Payment of \$112\.00 failed/)).toBeVisible();
  expect((await newcomer.finish('run', '--', 'true')).code).toBe(0);

  // After the grace: new starts are refused, who runs goes on.
  await days(8);
  await admin('reconcile-billing', '--tenant', slug);
  await mail(owner.email, /^New starts are refused/);
  const restricted = await newcomer.finish('run', '--', 'true');
  expect(restricted.code).toBe(4);
  expect(runs[0]!.printed()).not.toMatch(/ended|refused/i);

  // Paid: everything at once.
  await page.goto(billing);
  await page.getByRole('button', { name: 'Change card' }).click();
  await page.locator('[name=card_number]').fill(CARDS.pays);
  await page.locator('[name=exp]').fill('08/31');
  await page.locator('[name=cvc]').fill('123');
  await page.getByRole('button', { name: 'Update card' }).click();
  await page.getByRole('link', { name: /return/i }).click();
  await expect(page).toHaveURL(new RegExp(`${billing}`));
  await expect(page.getByText(/Payment of .* failed/)).toHaveCount(0);
  await mail(owner.email, /is paid up$/);
  expect((await newcomer.finish('run', '--', 'true')).code).toBe(0);
  await expect(page.getByRole('row').filter({ hasText: 'Paid' }).first()).toBeVisible();
});
