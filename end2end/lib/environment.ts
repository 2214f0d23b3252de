/** Where the things under test are. Global setup sets these for the workers. */

import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Environment {
  /** Address of the portal, without a slash at the end. */
  baseURL: string;
  /** The folder in which the portal was started: `portal admin` finds it from there. */
  folder: string;
}

export function environment(): Environment {
  const baseURL = process.env['E2E_BASE_URL'];
  const folder = process.env['E2E_PORTAL_DIR'];
  if (!baseURL || !folder) throw new Error('E2E_BASE_URL and E2E_PORTAL_DIR are set by global setup, or both by hand.');
  return { baseURL: baseURL.replace(/\/$/, ''), folder };
}

/** The cargo target folder that `make` uses. */
function targetFolder(): string {
  const cache = process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache');
  return process.env['CARGO_TARGET_DIR'] || join(cache, 'coditect-portal', 'target');
}

const repository = fileURLToPath(new URL('../..', import.meta.url));

/** Named by a variable, else what scripts/build has put into the repository, else the last debug build. */
function binary(variable: string, name: string): string {
  const built = [join(repository, 'target', 'bin', name), join(targetFolder(), 'debug', name)];
  const path = process.env[variable] || built.find(existsSync) || built[0]!;
  if (!existsSync(path)) throw new Error(`${path} is not there. Build it, or set ${variable} to the binary.`);
  return path;
}

/** What browsers load: style sheet, WebAssembly, fonts. */
export const siteFolder = () => join(repository, 'target', 'site');

/** The portal's binary. */
export const portalBinary = () => binary('PORTAL_BIN', 'portal');

/** The client's binary. */
export const clientBinary = () => binary('CODITECT_LICENSE_BIN', 'coditect-license');
