/** `make demo`: two organisations with something on every page, as often as one likes, and nothing left when it ends. */

import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { clientBinary, environment, portalBinary } from '../lib/environment.ts';
import { descendants, runs } from '../lib/processes.ts';
import { sendLogin } from '../lib/people.ts';
import { seats, sessionRow } from '../lib/screens.ts';
import { expect, test } from '../lib/test.ts';
import { until } from '../lib/wait.ts';

const SCRIPT = fileURLToPath(new URL('../../scripts/demo.mjs', import.meta.url));

interface Demo {
  child: ChildProcess;
  output: () => string;
}

/** Starts it and waits until all clients hold their seats. */
async function start(): Promise<Demo> {
  const child = spawn(process.execPath, [SCRIPT], {
    cwd: environment().folder,
    env: { ...process.env, PORTAL_BIN: portalBinary(), CODITECT_LICENSE_BIN: clientBinary() },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (more: string) => (text += more));
  await until(
    'the demo to be ready',
    () => {
      if (child.exitCode !== null) throw new Error(`The demo ended:\n${text}`);
      return /clients hold seats/.test(text);
    },
    90_000,
  );
  return { child, output: () => text };
}

/** Ends it in order; nothing that it started may stay. */
async function stop({ child, output }: Demo): Promise<void> {
  const below = descendants(child.pid ?? 0);
  expect(below.length).toBeGreaterThan(5);
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  await ended;
  expect(child.exitCode, output()).toBe(0);
  expect(below.filter(runs)).toEqual([]);
}

test('the demo fills every page, twice, and leaves nothing behind', async ({ page }) => {
  test.setTimeout(240_000);
  await stop(await start());

  const demo = await start();
  const secrets = join(environment().folder, '.portal', 'demo.json');
  expect(statSync(secrets).mode & 0o777).toBe(0o600);
  const { password } = JSON.parse(readFileSync(secrets, 'utf8')) as { password: string };
  const slug = /\/orgs\/(meridian-geodata\S*)/.exec(demo.output())?.[1];
  await page.goto('/login');
  await sendLogin(page, { email: 'ingrid.solberg@meridian.example', password });
  await expect(page).toHaveURL(new RegExp(`/orgs/${slug}$`));
  await expect(seats(page)).toHaveText('7 of 10');
  await page.goto(`/orgs/${slug}/sessions`);
  await expect(sessionRow(page, 'Jonas Lindqvist')).toHaveCount(1);
  await page.goto(`/orgs/${slug}/members`);
  for (const role of ['Owner', 'Admin', 'Billing', 'Member', 'Guest']) await expect(page.getByRole('main').getByRole('row').getByText(role, { exact: true }).first()).toBeAttached();
  await stop(demo);
  await page.goto(`/orgs/${slug}`);
  await expect(seats(page)).toHaveText('0 of 10');
});
