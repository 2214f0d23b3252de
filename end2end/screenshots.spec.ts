/**
 * Pictures of every page for people to look at, at a desktop's and a phone's width, light and dark. Not a test: run it against a portal
 * that `make demo` has filled, from this folder:
 *
 *     E2E_BASE_URL=http://localhost:3000 E2E_PORTAL_DIR=.. npm run shots
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, type Page } from '@playwright/test';
import { environment } from './lib/environment.ts';

const SIZES = { desktop: { width: 1440, height: 900 }, mobile: { width: 390, height: 844 } };

async function signedIn(page: Page, email: string): Promise<void> {
  const { password } = JSON.parse(readFileSync(join(environment().folder, '.portal', 'demo.json'), 'utf8')) as { password: string };
  await page.goto('/login');
  await page.locator('[name=email]').fill(email);
  await page.locator('[name=password]').fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await expect(page).not.toHaveURL(/\/login/);
}

/** One page in all its looks. `prepare` opens what a visitor would open. */
async function shoot(page: Page, name: string, path: string, prepare?: (page: Page) => Promise<void>): Promise<void> {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
      await page.goto(path);
      await prepare?.(page);
      await page.evaluate(() => document.fonts.ready);
      await page.screenshot({ path: `shots/${name}-${size}-${colorScheme}.png`, fullPage: !prepare });
    }
  }
}

test.use({ baseURL: process.env['E2E_BASE_URL'], launchOptions: { executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium', args: ['--no-sandbox', '--disable-gpu'] } });

test('public pages', async ({ page }) => {
  await shoot(page, 'start', '/');
  await shoot(page, 'signup', '/signup');
  await shoot(page, 'signup-sent', '/signup/sent');
  await shoot(page, 'login', '/login');
  await shoot(page, 'forgot-password', '/forgot-password');
  await shoot(page, 'invitation-dead', '/invitations/x');
  await shoot(page, 'download', '/download');
  await shoot(page, 'error-404', '/no/such/page');
  const refused = async (p: Page) => {
    await p.getByRole('button', { name: 'Create organization' }).click();
    await expect(p.locator('[name=email]')).toHaveAttribute('aria-invalid', 'true');
  };
  await shoot(page, 'signup-refused', '/signup', refused);
});

test('an organization', async ({ page }) => {
  await signedIn(page, 'ingrid.solberg@meridian.example');
  const base = new URL(page.url()).pathname;
  await shoot(page, 'overview', base);
  for (const tail of ['sessions', 'members', 'licenses', 'usage', 'billing', 'audit', 'settings']) await shoot(page, tail, `${base}/${tail}`);
  await page.goto(`${base}/licenses`);
  const license = await page.getByRole('main').locator(`a[href^="${base}/licenses/"]`).first().getAttribute('href');
  if (license) await shoot(page, 'license', license);
  await shoot(page, 'account', '/account');
  await shoot(page, 'new-organization', '/orgs/new');
  const dialog = async (p: Page) => {
    await p.getByRole('main').getByRole('button', { name: /^revoke/i }).first().click();
    await expect(p.getByRole('dialog')).toBeVisible();
  };
  await shoot(page, 'sessions-revoke', `${base}/sessions`, dialog);
  await shoot(page, 'user-menu', base, (p) => p.getByRole('button', { name: /your account/i }).click());
});

test('a guest', async ({ page }) => {
  await signedIn(page, 'yuki.tanaka@meridian.example');
  const base = new URL(page.url()).pathname;
  await shoot(page, 'overview-guest', base);
  await shoot(page, 'error-403', `${base}/audit`);
});

test('an organization without a free seat', async ({ page }) => {
  await signedIn(page, 'henrik.dahl@fjordline.example');
  await shoot(page, 'overview-full', new URL(page.url()).pathname);
});

test('the support console', async ({ page }) => {
  await signedIn(page, 'robin.kessler@support.example');
  await shoot(page, 'support', '/support');
  await page.goto('/support?q=meridian');
  const tenant = await page.getByRole('main').locator('a[href^="/support/tenants/"]').first().getAttribute('href');
  if (tenant) await shoot(page, 'support-tenant', tenant);
  const policy = (p: Page) => p.getByRole('main').getByRole('button', { name: /^Policy/ }).first().click();
  if (tenant) await shoot(page, 'support-policy', tenant, policy);
});
