/** The operator's shell: `portal admin …` against the running portal. */

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { environment, portalBinary } from './environment.ts';

const run = promisify(execFile);

/** Runs one command and gives what it printed; a failure is a failure of the test. */
export async function admin(...args: string[]): Promise<string> {
  const { stdout } = await run(portalBinary(), ['admin', ...args], { cwd: environment().folder, timeout: 30_000 });
  return stdout.trim();
}

export const setSeats = (tenant: string, seats: number) => admin('set-seats', '--tenant', tenant, '--seats', String(seats));

/** Offline validity of 0 h: the token ends with the lease, so nothing outlives a test's short lease. */
export const setPolicy = (tenant: string, lease: number, heartbeat: number, offlineHours = 0) =>
  admin('set-policy', '--tenant', tenant, '--lease-seconds', String(lease), '--heartbeat-seconds', String(heartbeat), '--offline-hours', String(offlineHours));

/** Makes somebody a member of the vendor's staff; the path of the one-time link to choose a password. */
export async function createStaff(email: string): Promise<string> {
  const printed = await admin('create-staff', '--email', email);
  const { baseURL } = environment();
  const url = printed.split(/\s+/).find((word) => word.startsWith(`${baseURL}/reset-password?token=`));
  if (!url) throw new Error(`create-staff printed no link: ${printed}`);
  return url.slice(baseURL.length);
}
