/** Starts the built portal in a folder of its own, on embedded defaults, and stops it. */

import { spawn, type ChildProcess } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { portalBinary, siteFolder } from './environment.ts';
import { descendants, mortal, runs } from './processes.ts';
import { until } from './wait.ts';

/** With one of these the portal would use something that is not its own. */
const NOT_EMBEDDED = /^(DATABASE_|REDIS_|SMTP_|STRIPE_SANDBOX|SIGNER|PORTAL_|MAIL_FROM|PRODUCT_NAME|OIDC_|GCP_)/;

export interface RunningPortal {
  baseURL: string;
  folder: string;
  stop: () => Promise<void>;
}

async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => (address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no port'))));
    });
  });
}

function tail(log: string): string {
  return readFileSync(log, 'utf8').split('\n').slice(-30).join('\n');
}

async function ready(baseURL: string): Promise<boolean> {
  return fetch(`${baseURL}/readyz`).then((answer) => answer.ok, () => false);
}

/** Starts it and waits until it is ready. */
export async function startPortal(): Promise<RunningPortal> {
  const folder = mkdtempSync(join(tmpdir(), 'portal-e2e-'));
  const log = join(folder, 'portal.log');
  const port = await freePort();
  const baseURL = `http://localhost:${port}`;
  const inherited = Object.fromEntries(Object.entries(process.env).filter(([name]) => !NOT_EMBEDDED.test(name)));
  const output = openSync(log, 'a');
  const child = spawn(...mortal(portalBinary(), ['dev']), {
    cwd: folder,
    env: { LEPTOS_SITE_ROOT: siteFolder(), ...inherited, PORTAL_LISTEN: `127.0.0.1:${port}`, PORTAL_BASE_URL: baseURL, STRIPE_SANDBOX_LISTEN: '127.0.0.1:0' },
    stdio: ['ignore', output, output],
  });
  const failed = new Promise<never>((_, reject) => child.once('error', reject));
  const up = until(
    'the portal to be ready',
    () => {
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`The portal ended while starting:\n${tail(log)}`);
      return ready(baseURL);
    },
    180_000,
  );
  try {
    await Promise.race([up, failed]);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  return { baseURL, folder, stop: () => stop(child, folder, log) };
}

/** SIGTERM must end it with 0, and everything that it started. */
async function stop(child: ChildProcess, folder: string, log: string): Promise<void> {
  mkdirSync('test-results', { recursive: true });
  if (child.exitCode !== null || child.signalCode !== null) {
    copyFileSync(log, 'test-results/portal.log');
    throw new Error(`The portal ended by itself during the tests (${child.exitCode ?? child.signalCode}):\n${tail(log)}`);
  }
  const below = child.pid ? descendants(child.pid) : [];
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 45_000);
  await ended;
  clearTimeout(late);
  copyFileSync(log, 'test-results/portal.log');
  if (child.exitCode !== 0) throw new Error(`SIGTERM ended the portal with ${child.exitCode ?? child.signalCode}, not with 0:\n${tail(log)}`);
  const left = below.filter(runs);
  if (left.length > 0) throw new Error(`The portal left processes behind: ${left.map((p) => `${p.name} (${p.pid})`).join(', ')}`);
  if (below.length === 0) throw new Error('The portal had started neither PostgreSQL nor Redis.');
  rmSync(folder, { recursive: true, force: true });
}
