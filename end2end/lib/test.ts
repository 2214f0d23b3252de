/** What every test starts from. */

import { randomBytes } from 'node:crypto';
import { test as base, expect, type Page } from '@playwright/test';
import { Device } from './device.ts';
import { environment } from './environment.ts';
import { Guard } from './guard.ts';

interface Fixtures {
  guard: Guard;
  /** A further browser, of somebody else: it shares nothing with `page`. */
  visitor: () => Promise<Page>;
  /** A machine with the client on it. */
  device: (hardwareId?: string) => Device;
}

interface Options {
  javaScript: boolean;
}

export const test = base.extend<Fixtures & Options>({
  baseURL: async ({}, use) => use(environment().baseURL),

  // Fixtures that a test does not name still run when `auto` says so: every test is guarded.
  guard: [
    async ({ context }, use) => {
      const guard = new Guard();
      guard.watch(context);
      await use(guard);
      expect(guard.complaints, 'complaints of the pages').toEqual([]);
    },
    { auto: true },
  ],

  javaScript: async ({ javaScriptEnabled }, use) => use(javaScriptEnabled !== false),

  visitor: async ({ browser, guard }, use) => {
    const contexts: Awaited<ReturnType<typeof browser.newContext>>[] = [];
    await use(async () => {
      const context = await browser.newContext();
      contexts.push(context);
      guard.watch(context);
      return context.newPage();
    });
    await Promise.all(contexts.map((context) => context.close()));
  },

  device: async ({}, use) => {
    const devices: Device[] = [];
    await use((hardwareId) => {
      const device = new Device(hardwareId ?? `e2e-${random()}`);
      devices.push(device);
      return device;
    });
    await Promise.all(devices.map((device) => device.clean()));
  },
});

export { expect };

/** Eight characters that nobody else has. */
export const random = () => randomBytes(4).toString('hex');
