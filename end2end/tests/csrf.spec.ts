/** What another site's page makes a browser send is not carried out. */

import { done, tokenOf } from '../lib/api.ts';
import { environment } from '../lib/environment.ts';
import { foundAndEnter, stranger } from '../lib/people.ts';
import { expect, test } from '../lib/test.ts';

test('a form of another site is refused', async ({ page }) => {
  const { slug } = await foundAndEnter(page);
  const { baseURL } = environment();
  await page.context().route('http://evil.example/**', (route) =>
    route.fulfill({
      contentType: 'text/html',
      body: `<!doctype html><title>Free seats</title><form method="post" action="${baseURL}/logout"><button>Win</button></form>`,
    }),
  );
  await page.goto('http://evil.example/');
  const answer = page.waitForResponse(`${baseURL}/logout`);
  await page.getByRole('button', { name: 'Win' }).click();
  expect((await answer).status()).toBe(403);
  await page.goto(`/orgs/${slug}`);
  await expect(page).toHaveURL(new RegExp(`/orgs/${slug}$`));
});

test('Origin and Sec-Fetch-Site decide, even with the cookie', async ({ page }) => {
  const { slug, owner } = await foundAndEnter(page);
  const { baseURL } = environment();
  const email = stranger().email;
  // The page's own form tells where its server function is.
  await page.goto('/orgs/new');
  const action = await page.getByRole('main').locator('form').first().getAttribute('action');
  const path = new URL(action ?? '', baseURL).pathname;
  expect(path).toMatch(/^\/_fn\//);
  const send = (headers: Record<string, string>) =>
    page.request.post(path, { form: { organization_name: email }, headers, maxRedirects: 0 }).then((answer) => answer.status());
  for (const headers of [
    { origin: 'http://evil.example' },
    { origin: 'null' },
    { origin: baseURL, 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    {},
  ]) {
    expect(await send(headers as Record<string, string>), JSON.stringify(headers)).toBe(403);
  }
  const { organizations } = await done<{ organizations: unknown[] }>('GET', '/organizations', undefined, await tokenOf(owner, slug));
  expect(organizations).toHaveLength(1);
  expect([200, 302, 303]).toContain(await send({ origin: baseURL }));
});
