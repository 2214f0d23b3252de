/** What every form of the portal owes to whoever fills it in. */

import { type Locator, type Page } from '@playwright/test';
import { expect } from './test.ts';

/** The field of that name, in the page's form. */
export const field = (page: Page, name: string): Locator => page.locator(`[name="${name}"]`);

/** The message stands beside the field: marked as its error, tied to it for a screen reader, and visible. */
export async function expectFieldError(page: Page, name: string, message: RegExp): Promise<void> {
  const input = field(page, name);
  await expect(input).toHaveAttribute('aria-invalid', 'true');
  await expect(input).toHaveAccessibleDescription(message);
  const ids = ((await input.getAttribute('aria-describedby')) ?? '').split(' ').filter(Boolean);
  expect(ids.length, `aria-describedby of ${name}`).toBeGreaterThan(0);
  await expect(page.locator(ids.map((id) => `[id="${id}"]`).join(',')).filter({ hasText: message })).toBeVisible();
}

/** The message about the form as a whole, announced as an alert. */
export async function expectFormError(page: Page, message: RegExp): Promise<void> {
  await expect(page.getByRole('alert').filter({ hasText: message })).toBeVisible();
}
