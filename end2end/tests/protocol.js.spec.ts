/** `docs/PROTOCOL.md` says what it does: every block of it is run, in order, in one shell. */

import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { sessions, tokenOf } from '../lib/api.ts';
import { environment } from '../lib/environment.ts';
import { found } from '../lib/people.ts';
import { expect, test } from '../lib/test.ts';

test('the protocol works as it is written down', async () => {
  const { owner } = await found();
  const text = await readFile(new URL('../../docs/PROTOCOL.md', import.meta.url), 'utf8');
  const script = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block]) => block).join('\n');
  const folder = await mkdtemp(path.join(tmpdir(), 'protocol-'));
  try {
    const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', PORTAL: environment().baseURL, EMAIL: owner.email, PASSWORD: owner.password },
      timeout: 60_000,
    });
    expect(stdout).toContain('seat 1 of 1, next heartbeat in 300 s');
    expect(stdout).toContain('Signature Verified Successfully');
    expect(stdout).toMatch(/^true\nactive\n/m);
    expect(stdout).toContain('{"enabled":false,"recorded":0}');
  } finally {
    await rm(folder, { recursive: true });
  }
  expect(await sessions(await tokenOf(owner))).toEqual([]);
});
