/** One portal for the whole run: the one at E2E_BASE_URL (started in E2E_PORTAL_DIR), else one of our own. */

import { environment } from './lib/environment.ts';
import { startPortal } from './lib/portal.ts';

export default async function setup(): Promise<() => Promise<void>> {
  if (process.env['E2E_BASE_URL']) {
    environment();
    return async () => {};
  }
  const portal = await startPortal();
  process.env['E2E_BASE_URL'] = portal.baseURL;
  process.env['E2E_PORTAL_DIR'] = portal.folder;
  return portal.stop;
}
