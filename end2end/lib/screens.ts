/** Where things are on the pages, said once. */

import { type Locator, type Page } from '@playwright/test';
import { expect } from './test.ts';

/** "1 of 3" in the sidebar, which stands beside every page of an organisation and follows what is live. */
export const seats = (page: Page): Locator => page.getByRole('complementary').getByText(/^\d+ of \d+$/);

/** Somebody's row in the list of those who are on, of the overview or of the sessions page. */
export const personRow = (page: Page, name: string): Locator => page.getByRole('main').getByRole('row').filter({ has: page.getByRole('rowheader', { name }) });

const revokeButton = (within: Locator): Locator => within.getByRole('button', { name: /^revoke/i }).or(within.getByRole('link', { name: /^revoke/i }));

/** The row of somebody's live session: one that can be revoked. */
export const sessionRow = (page: Page, name: string): Locator => personRow(page, name).filter({ has: revokeButton(page.locator(':scope')) });

/** Opens the dialog that asks once more before a session is ended. */
export async function askToRevoke(page: Page, name: string): Promise<void> {
  await revokeButton(personRow(page, name)).first().click();
  await expect(page.getByRole('dialog')).toBeVisible();
}

/** Ends somebody's session from the list: the row's "Revoke", then the dialog that says what follows. */
export async function revoke(page: Page, name: string, reason?: string): Promise<void> {
  await askToRevoke(page, name);
  await confirm(page, /^revoke/i, reason);
}

/** Confirms the open dialog. */
export async function confirm(page: Page, button: RegExp, reason?: string): Promise<void> {
  const dialog = page.getByRole('dialog');
  await expect(dialog).toBeVisible();
  if (reason !== undefined) await dialog.locator('[name=reason]').fill(reason);
  await dialog.getByRole('button', { name: button }).click();
  await expect(dialog).toHaveCount(0);
}

/** The row of a member or of an invitation. */
export const memberRow = (page: Page, email: string): Locator => page.getByRole('main').getByRole('row').filter({ hasText: email });

/** Opens a row's menu and takes the item of that name. */
export async function rowAction(row: Locator, name: RegExp): Promise<void> {
  await row.locator('summary').click();
  await row.getByRole('link', { name }).or(row.getByRole('button', { name })).click();
}
