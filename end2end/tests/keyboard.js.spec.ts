/** Everything by keyboard. */

import { expect, test } from '../lib/company.ts';

test('the first stop skips to the content', async ({ as, company }) => {
  const page = await as('OWNER');
  await page.goto(`/orgs/${company.organization.slug}`);
  await page.keyboard.press('Tab');
  const skip = page.getByRole('link', { name: 'Skip to content' });
  await expect(skip).toBeFocused();
  await expect(skip).toBeInViewport();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('main')).toBeFocused();
});

test('a dialog takes the focus, keeps it, and Esc closes it', async ({ as, company }) => {
  const page = await as('OWNER');
  const list = `/orgs/${company.organization.slug}/sessions`;
  await page.goto(list);
  const opener = page.getByRole('main').getByRole('button', { name: /^revoke/i }).first();
  await opener.focus();
  await page.keyboard.press('Enter');
  // Modal once the page's script is there.
  await expect(page.locator('dialog:modal')).toBeVisible();
  const focused = () => page.evaluate(() => (document.activeElement?.closest('dialog') ? 'dialog' : document.activeElement?.tagName));
  expect(await focused()).toBe('dialog');
  for (let stop = 0; stop < 8; stop++) {
    await page.keyboard.press('Tab');
    // Between last and first the focus is in the browser's own bar, which the page sees as its body.
    expect(['dialog', 'BODY'], `stop ${stop}`).toContain(await focused());
  }
  await page.keyboard.press('Escape');
  await expect(page.getByRole('dialog')).toHaveCount(0);
  await expect(page).toHaveURL(new RegExp(`${list}$`));
});

test('menus open with Enter and close with Esc, and the focus comes back', async ({ as, company }) => {
  const page = await as('OWNER');
  await page.goto(`/orgs/${company.organization.slug}`);
  const button = page.getByRole('button', { name: /your account/i });
  const menu = page.getByRole('group', { name: 'Your account' });
  await button.focus();
  await page.keyboard.press('Enter');
  await expect(menu).toBeVisible();
  await page.keyboard.press('Tab');
  expect(await menu.evaluate((m) => m.contains(document.activeElement))).toBe(true);
  await page.keyboard.press('Escape');
  await expect(menu).toBeHidden();
  await expect(button).toBeFocused();
});

test('on a phone the sidebar is a drawer', async ({ as, company }) => {
  const page = await as('OWNER');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`/orgs/${company.organization.slug}`);
  const drawer = page.locator('#sidebar');
  await expect(drawer).toBeHidden();
  await page.getByRole('button', { name: 'Open navigation' }).click();
  await expect(drawer).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(drawer).toBeHidden();
});

test('after a refused form the focus is in the first wrong field', async ({ page }) => {
  await page.goto('/signup');
  await page.locator('[name=organization_name]').fill('Fjordline Studio');
  await page.locator('[name=name]').fill('Ingrid Solberg');
  await page.locator('[name=password]').fill('short');
  await page.locator('[name=email]').fill('ingrid@nowhere');
  await page.keyboard.press('Enter');
  await expect(page.locator('[name=email]')).toBeFocused();
});

test('the theme is kept', async ({ as, company }) => {
  const page = await as('ADMIN');
  await page.goto(`/orgs/${company.organization.slug}`);
  await page.getByRole('button', { name: /your account/i }).click();
  await page.getByRole('button', { name: 'Dark', exact: true }).click();
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
  await page.goto('/account');
  await expect(page.locator('html')).toHaveAttribute('data-theme', 'dark');
});
