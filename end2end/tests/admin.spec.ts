/** Limits changed from the operator's shell hold at the next acquire. */

import { admin, setPolicy, setSeats } from '../lib/admin.ts';
import { call, done, tokenOf } from '../lib/api.ts';
import { found } from '../lib/people.ts';
import { expect, test } from '../lib/test.ts';

// Nothing here looks at a page.
test.skip(({ javaScript }) => !javaScript, 'no page is involved');

interface Seat {
  session_id: string;
  expires_in: number;
  heartbeat_interval_seconds: number;
  license: { max_seats: number; active: number };
}

test('set-seats', async () => {
  const { owner, slug } = await found();
  const token = await tokenOf(owner);
  const acquire = (device: string) => call<Seat>('POST', '/licenses/acquire', { hardware_id: device }, token);
  expect((await acquire('a')).status).toBe(201);
  expect((await acquire('b')).status).toBe(429);
  await setSeats(slug, 2);
  expect(await acquire('b')).toMatchObject({ status: 201, body: { license: { max_seats: 2, active: 2 } } });
  // Fewer seats than are in use: nobody is ended, nobody is admitted.
  await setSeats(slug, 1);
  expect((await acquire('a')).status).toBe(200);
  expect(await acquire('c')).toMatchObject({ status: 429, body: { code: 'seats_exhausted', active: 2, max_seats: 1 } });
});

test('set-policy', async () => {
  const { owner, slug } = await found();
  const token = await tokenOf(owner);
  await setPolicy(slug, 90, 30, 1);
  const seat = await done<Seat>('POST', '/licenses/acquire', { hardware_id: 'a' }, token);
  expect(seat.heartbeat_interval_seconds).toBe(30);
  expect(seat.expires_in).toBeGreaterThan(80);
  expect(seat.expires_in).toBeLessThanOrEqual(90);
});

test('a mistake is one sentence and changes nothing', async () => {
  const { slug } = await found();
  for (const args of [
    ['set-seats', '--tenant', 'no-such-organization', '--seats', '3'],
    ['set-seats', '--tenant', slug, '--seats', '-1'],
    ['set-policy', '--tenant', slug, '--lease-seconds', '1', '--heartbeat-seconds', '5', '--offline-hours', '1'],
  ]) {
    const error = await admin(...args).then(
      () => undefined,
      (e: { code: number; stderr: string }) => e,
    );
    expect(error?.code, args.join(' ')).toBeGreaterThan(0);
    expect(error?.stderr, args.join(' ')).not.toMatch(/backtrace|panicked/i);
  }
});
