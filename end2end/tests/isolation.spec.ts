/** A stranger's organisation looks exactly like one that never existed. */

import { call, done, licenses, tokenOf } from '../lib/api.ts';
import { found, foundAndEnter } from '../lib/people.ts';
import { expect, random, test } from '../lib/test.ts';
import type { Page } from '@playwright/test';

const TAILS = ['', '/members', '/licenses', '/sessions', '/audit', '/settings', '/audit.csv', '/audit.json', '/live'];

/** Status and text, without what differs from request to request. */
async function look(page: Page, path: string, slug: string): Promise<{ status: number; text: string }> {
  const answer = await page.request.get(path, { maxRedirects: 0 });
  const nonce = /'nonce-([^']+)'/.exec(answer.headers()['content-security-policy'] ?? '')?.[1];
  const requestId = answer.headers()['x-request-id'] ?? '';
  let text = (await answer.text()).replaceAll(requestId, '').replaceAll(slug, 'SLUG');
  if (nonce) text = text.replaceAll(nonce, '');
  return { status: answer.status(), text };
}

test('pages of another organization are 404, like those of none', async ({ page }) => {
  const theirs = await found('Polar Charts');
  await foundAndEnter(page);
  const never = `never-${random()}`;
  for (const tail of TAILS) {
    const foreign = await look(page, `/orgs/${theirs.slug}${tail}`, theirs.slug);
    const missing = await look(page, `/orgs/${never}${tail}`, never);
    expect(foreign.status, tail).toBe(404);
    expect(foreign, tail).toEqual(missing);
    expect(foreign.text).not.toContain('Polar Charts');
  }
  expect((await page.goto(`/orgs/${theirs.slug}`))?.status()).toBe(404);
  await expect(page.locator('h1')).toHaveCount(1);
});

test('ids of another organization are unknown to pages and API', async ({ page }) => {
  const theirs = await found('Polar Charts');
  const theirToken = await tokenOf(theirs.owner);
  const [license] = await licenses(theirToken);
  const seat = await done<{ session_id: string }>('POST', '/licenses/acquire', { hardware_id: 'polar-1' }, theirToken);
  const ours = await foundAndEnter(page);
  const token = await tokenOf(ours.owner);

  expect((await page.goto(`/orgs/${ours.slug}/licenses/${license?.id}`))?.status()).toBe(404);
  const nobody = crypto.randomUUID();
  for (const [method, path] of [
    ['GET', `/licenses/${license?.id}`],
    ['GET', `/licenses/${license?.id}/sessions`],
    ['DELETE', `/sessions/${seat.session_id}`],
    ['DELETE', `/licenses/release/${seat.session_id}`],
  ] as const) {
    const missing = await call(method, path.replace(/[0-9a-f-]{36}/, nobody), undefined, token);
    const foreign = await call(method, path, undefined, token);
    const bare = ({ request_id: _, ...rest }: Record<string, unknown>) => rest;
    expect({ status: foreign.status, body: bare(foreign.body) }, path).toEqual({ status: missing.status, body: bare(missing.body) });
    expect(foreign.status, path).toBe(404);
  }
  // The session that was shot at lives.
  expect((await call('PUT', '/licenses/heartbeat', { session_id: seat.session_id }, theirToken)).status).toBe(200);
});
