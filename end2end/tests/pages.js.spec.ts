/** Every page: axe finds nothing in the light and in the dark, one heading, a proper title, and it fits a small phone. */

import { expectAccessible, expectHeaded, expectNoSidewaysScroll } from '../lib/rules.ts';
import { link, mail } from '../lib/mailbox.ts';
import { beginDevice, done, tokenOf } from '../lib/api.ts';
import { expect, test, type Company, type Seat } from '../lib/company.ts';
import { askToRevoke } from '../lib/screens.ts';
import { random } from '../lib/test.ts';

type Path = string | ((company: Company) => string | Promise<string>);

const org = (tail: string): Path => (company) => `/orgs/${company.organization.slug}${tail}`;

/** The link of an invitation that nobody has accepted. */
async function invitation(company: Company): Promise<string> {
  const email = `invited-${random()}@e2e.example`;
  await done('POST', '/members/invitations', { email, role: 'MEMBER' }, await tokenOf(company.organization.owner));
  return link(await mail(email, /invites you/));
}

/** The page on which a device that asks to sign in is approved. */
async function deviceAsks(): Promise<string> {
  const { user_code } = await beginDevice();
  return `/device?user_code=${user_code}`;
}

/** Who looks, at what, and with which status. */
const PAGES: [string, Seat, Path, number?][] = [
  ['start', 'NOBODY', '/'],
  ['sign-up', 'NOBODY', '/signup'],
  ['sign-up sent', 'NOBODY', '/signup/sent'],
  ['sign-in', 'NOBODY', '/login'],
  ['forgot password', 'NOBODY', '/forgot-password'],
  ['forgot password, sent', 'NOBODY', '/forgot-password?sent=1'],
  ['reset password, dead link', 'NOBODY', '/reset-password?token=x', 404],
  ['verify email, dead link', 'NOBODY', '/verify-email?token=x', 404],
  ['invitation', 'NOBODY', invitation],
  ['invitation, dead link', 'NOBODY', '/invitations/x', 404],
  ['download', 'NOBODY', '/download'],
  ['not found', 'NOBODY', '/no/such/page', 404],
  ['connect a device', 'OWNER', '/device'],
  ['connect a device, wrong code', 'OWNER', '/device?user_code=BBBB-BBBB', 422],
  ['approve a device', 'OWNER', deviceAsks],
  ['approve a device, of nobody’s', 'STAFF', deviceAsks],
  ['device approved', 'OWNER', '/device?done=approved'],
  ['device denied', 'OWNER', '/device?done=denied'],
  ['mailbox', 'NOBODY', (company) => `/dev/mailbox?to=${company.organization.owner.email}`],
  ['overview', 'OWNER', org('')],
  ['overview of a member', 'MEMBER', org('')],
  ['overview of a guest', 'GUEST', org('')],
  ['members', 'OWNER', org('/members')],
  ['members of a member', 'MEMBER', org('/members')],
  ['licenses', 'OWNER', org('/licenses')],
  ['license', 'OWNER', (company) => `/orgs/${company.organization.slug}/licenses/${company.licenseId}`],
  ['sessions', 'OWNER', org('/sessions')],
  ['usage', 'OWNER', org('/usage')],
  ['usage of 7 days', 'BILLING', org('/usage?days=7')],
  ['billing', 'OWNER', org('/billing')],
  ['billing, a price', 'OWNER', org('/billing?seats=3&edit=details')],
  ['billing of an admin', 'ADMIN', org('/billing')],
  ['audit log', 'OWNER', org('/audit')],
  ['settings', 'OWNER', org('/settings')],
  ['forbidden', 'GUEST', org('/audit'), 403],
  ['account', 'OWNER', '/account'],
  ['account, sign out everywhere', 'OWNER', '/account?sign-out=1'],
  ['new organization', 'OWNER', '/orgs/new'],
  ['somebody else’s invitation', 'OWNER', invitation],
  ['support', 'STAFF', '/support'],
  ['support search', 'STAFF', '/support?q=meridian'],
  ['support tenant', 'STAFF', (company) => `/support/tenants/${company.tenantId}`],
];

for (const [name, seat, path, status] of PAGES) {
  test(name, async ({ as, company }) => {
    const page = await as(seat);
    const answer = await page.goto(typeof path === 'string' ? path : await path(company));
    expect(answer?.status()).toBe(status ?? 200);
    await expectHeaded(page);
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
    // A phone's layout is another page to axe; its colours are the same.
    await page.setViewportSize({ width: 360, height: 740 });
    await expectAccessible(page, ['light']);
  });
}

test('dialogs', async ({ as, company }) => {
  const page = await as('OWNER');
  await page.goto(`/orgs/${company.organization.slug}/sessions`);
  await askToRevoke(page, company.people.MEMBER.name);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
});

test('a refused form', async ({ page }) => {
  await page.goto('/signup');
  await page.getByRole('button', { name: 'Create organization' }).click();
  await expect(page.locator('[name=email]')).toHaveAttribute('aria-invalid', 'true');
  await expectHeaded(page);
  await expectAccessible(page);
  await expectNoSidewaysScroll(page);
});

test('open menus', async ({ as, company }) => {
  const page = await as('OWNER');
  await page.goto(`/orgs/${company.organization.slug}/members`);
  await page.getByRole('button', { name: /your account/i }).click();
  await expect(page.getByRole('group', { name: 'Your account' })).toBeVisible();
  await expectAccessible(page);
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: /^organization: /i }).click();
  await expect(page.getByRole('group', { name: 'Organizations' })).toBeVisible();
  await expectAccessible(page);
});
