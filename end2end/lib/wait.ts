/** Waiting for a condition outside of the browser. */

import { setTimeout as pause } from 'node:timers/promises';

/** Asks `look` again and again until it answers something; `what` is for the error when it never does. */
export async function until<T>(what: string, look: () => Promise<T | undefined | null | false> | T | undefined | null | false, limit = 15_000): Promise<T> {
  const end = Date.now() + limit;
  for (;;) {
    const found = await look();
    if (found) return found;
    if (Date.now() >= end) throw new Error(`Waited ${limit / 1000} s in vain for ${what}.`);
    await pause(100);
  }
}
