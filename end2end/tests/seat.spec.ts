/** The main job: the installed application takes a seat, keeps it, gives it back, loses it. */

import { setPolicy } from '../lib/admin.ts';
import { call, sessions, tokenOf } from '../lib/api.ts';
import { found, foundAndEnter } from '../lib/people.ts';
import { personRow, revoke, seats, sessionRow } from '../lib/screens.ts';
import { expect, test } from '../lib/test.ts';
import { until } from '../lib/wait.ts';

test('a second terminal takes the seat, and the pages show it', async ({ page, device }) => {
  const { owner, slug } = await foundAndEnter(page);
  const laptop = device();
  await laptop.login(owner);
  const run = await laptop.run('sleep', '600');
  expect(run.printed()).toContain('1 of 1 in use');

  await page.goto(`/orgs/${slug}`);
  await expect(seats(page)).toHaveText('1 of 1');
  await expect(personRow(page, owner.name)).toHaveCount(1);
  await page.goto(`/orgs/${slug}/sessions`);
  await expect(sessionRow(page, owner.name)).toHaveCount(1);

  run.kill('SIGTERM');
  await run.ended;
  await page.goto(`/orgs/${slug}`);
  await expect(seats(page)).toHaveText('0 of 1');
  await page.goto(`/orgs/${slug}/sessions`);
  await expect(sessionRow(page, owner.name)).toHaveCount(0);
});

test('a second device is refused with the facts', async ({ device }) => {
  const { owner } = await found();
  const [first, second] = [device(), device()];
  await first.login(owner);
  await second.login(owner);
  const run = await first.run('sleep', '600');

  const refused = await second.finish('run', '--', 'echo', 'started');
  expect(refused.code).toBe(3);
  // With the day, where that is not today.
  const time = '(\\d+ [A-Z][a-z]{2} )?\\d\\d:\\d\\d';
  expect(refused.output).toContain('1 of 1 in use');
  expect(refused.output).toMatch(new RegExp(`${owner.name} on .*, since ${time}`));
  expect(refused.output).toMatch(new RegExp(`sure to be free at ${time} \\(in \\d+ min\\)`));
  expect(refused.output).not.toContain('started');

  run.kill('SIGTERM');
  await run.ended;
  expect(await second.finish('run', '--', 'echo', 'started')).toMatchObject({ code: 0, output: expect.stringContaining('started') });
});

test('further runs on the same device share the seat; the last one out gives it back', async ({ device }) => {
  const { owner } = await found();
  const token = await tokenOf(owner);
  const laptop = device();
  await laptop.login(owner);
  const first = await laptop.run('sleep', '600');
  const second = await laptop.run('sleep', '600');
  expect(second.printed()).toMatch(/sharing the seat/i);
  expect(await sessions(token)).toHaveLength(1);
  first.kill('SIGTERM');
  await first.ended;
  expect(await sessions(token)).toHaveLength(1);
  second.kill('SIGTERM');
  await second.ended;
  expect(await sessions(token)).toEqual([]);
});

test('"Revoke" ends the session, and the client says so at its next heartbeat', async ({ page, device }) => {
  const { owner, slug } = await foundAndEnter(page);
  await setPolicy(slug, 60, 5);
  const laptop = device();
  await laptop.login(owner);
  const run = await laptop.run('sleep', '600');
  await page.goto(`/orgs/${slug}/sessions`);
  await revoke(page, owner.name);
  await expect(sessionRow(page, owner.name)).toHaveCount(0);
  await expect(seats(page)).toHaveText('0 of 1');
  expect(await sessions(await tokenOf(owner))).toEqual([]);

  const ended = await run.ended;
  expect(ended.code).toBe(4);
  expect(ended.output).toMatch(/this session was ended/i);
  // It may start again: revoking ends one session, not a person's right.
  expect((await laptop.finish('run', '--', 'true')).code).toBe(0);
});

for (const [how, end] of [
  ['when the command ends', ['true']],
  ['when the command fails', ['sh', '-c', 'exit 7']],
] as const) {
  test(`the seat is free at once ${how}`, async ({ device }) => {
    const { owner } = await found();
    const laptop = device();
    await laptop.login(owner);
    expect((await laptop.finish('run', '--', ...end)).code).toBe(end[0] === 'sh' ? 7 : 0);
    expect(await sessions(await tokenOf(owner))).toEqual([]);
  });
}

test('the seat is free at once after SIGTERM', async ({ device }) => {
  const { owner } = await found();
  const laptop = device();
  await laptop.login(owner);
  const run = await laptop.run('sleep', '600');
  run.kill('SIGTERM');
  expect((await run.ended).code).toBe(128 + 15);
  expect(await sessions(await tokenOf(owner))).toEqual([]);
});

test('the seat is free at once after Ctrl-C', async ({ device }) => {
  const { owner } = await found();
  const laptop = device();
  await laptop.login(owner);
  const run = laptop.terminal(['run', '--', 'sleep', '600']);
  await run.holds('sleep');
  run.type('\x03');
  const ended = await run.ended;
  expect(ended.code).toBe(128 + 2);
  expect(ended.output).not.toMatch(/not waiting/i);
  expect(await sessions(await tokenOf(owner))).toEqual([]);
});

test('after kill -9 the seat is free when the lease ends, not before', async ({ device }) => {
  const { owner, slug } = await found();
  await setPolicy(slug, 15, 5);
  const token = await tokenOf(owner);
  const laptop = device();
  await laptop.login(owner);
  const run = await laptop.run('sleep', '600');
  run.crash();
  await run.ended;

  const acquire = () => call<{ code?: string; next_free_at?: string }>('POST', '/licenses/acquire', { hardware_id: 'another' }, token);
  const [held] = await sessions(token);
  const refused = await acquire();
  expect(refused).toMatchObject({ status: 429, body: { code: 'seats_exhausted', active: 1, max_seats: 1 } });
  // The answer names the end of the crashed session's lease.
  expect(Date.parse(refused.body.next_free_at ?? '')).toBe(Date.parse(held?.expires_at ?? ''));

  await until('the lease to end', async () => (await acquire()).status === 201, 30_000);
  const [next] = await sessions(token);
  expect(Date.parse(next?.started_at ?? '')).toBeGreaterThanOrEqual(Date.parse(held?.expires_at ?? ''));
});
