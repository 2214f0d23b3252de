/** Each role sees what the table gives it, and nothing else. */

import { readFileSync } from 'node:fs';
import { environment } from '../lib/environment.ts';
import { expect, test, type Seat } from '../lib/company.ts';
import { stranger, type Role } from '../lib/people.ts';
import { call, tokenOf } from '../lib/api.ts';

/** The table that the domain is made from. */
function permissions(): Record<string, Partial<Record<Role, boolean>>> {
  const [head, ...rows] = readFileSync(new URL('../../crates/domain/permissions.csv', import.meta.url), 'utf8').trim().split('\n');
  const roles = (head ?? '').split(',').slice(1) as Role[];
  return Object.fromEntries(
    rows.map((row) => {
      const [action, ...cells] = row.split(',');
      return [action, Object.fromEntries(cells.map((cell, i) => [roles[i], cell === 'yes']))];
    }),
  );
}

const TABLE = permissions();
const ROLES: Role[] = ['OWNER', 'ADMIN', 'BILLING', 'MEMBER', 'GUEST'];

/** Which action a page stands for. */
const PAGES: [string, string, RegExp][] = [
  ['', 'overview.view', /^Overview/],
  ['/members', 'members.view', /^Members/],
  ['/licenses', 'licenses.view', /^Licenses/],
  ['/usage', 'usage.view', /^Usage/],
  ['/billing', 'billing.view', /^Billing/],
  ['/audit', 'audit.view', /^Audit log/],
  ['/settings', 'settings.manage', /^Settings/],
];

for (const role of ROLES) {
  test(`${role} sees the pages of that role only`, async ({ as, company }) => {
    const page = await as(role);
    const base = `/orgs/${company.organization.slug}`;
    await page.goto(base);
    const sidebar = page.getByRole('navigation', { name: 'Main' });
    for (const [, action, label] of PAGES) {
      await expect(sidebar.getByRole('link', { name: label }), `${role} ${label}`).toHaveCount(TABLE[action]?.[role] ? 1 : 0);
    }
    for (const [tail, action] of PAGES) {
      const answer = await page.goto(base + tail);
      expect(answer?.status(), `${role} ${tail}`).toBe(TABLE[action]?.[role] ? 200 : 403);
      await expect(page.locator('h1')).toHaveCount(1);
    }
  });
}

test('members are managed by owners and admins only', async ({ as, company }) => {
  const base = `/orgs/${company.organization.slug}/members`;
  for (const role of ROLES.filter((role) => TABLE['members.view']?.[role])) {
    const page = await as(role);
    await page.goto(base);
    const count = TABLE['members.manage']?.[role] ? 1 : 0;
    await expect(page.getByRole('button', { name: 'Send invitation' }), role).toHaveCount(count);
    if (count === 0) await expect(page.getByRole('main').getByText(/^pending-/)).toHaveCount(0);
  }
});

test('a hidden form is refused when it is sent all the same', async ({ as, company }) => {
  const owner = await as('OWNER');
  await owner.goto(`/orgs/${company.organization.slug}/members`);
  const form = owner.locator('form', { has: owner.getByRole('button', { name: 'Send invitation' }) });
  const action = new URL((await form.getAttribute('action')) ?? '', environment().baseURL).pathname;
  const hidden = await form.locator('input[type=hidden]').evaluateAll((inputs) => inputs.map((i) => [(i as HTMLInputElement).name, (i as HTMLInputElement).value]));
  for (const role of ['MEMBER', 'GUEST', 'BILLING', 'NOBODY'] as Seat[]) {
    const page = await as(role);
    const email = stranger().email;
    const answer = await page.request.post(action, {
      form: { ...Object.fromEntries(hidden), email, role: 'OWNER' },
      headers: { origin: environment().baseURL, accept: 'application/json' },
      maxRedirects: 0,
    });
    expect([401, 403, 404, 500].includes(answer.status()), `${role}: ${answer.status()}`).toBe(true);
    expect(answer.status(), role).not.toBe(500);
    await expect.poll(async () => (await (await fetch(`${environment().baseURL}/dev/mailbox.json?to=${email}`)).json()).length).toBe(0);
  }
});

test('who holds a seat, and who does not', async ({ company, javaScript }) => {
  test.skip(!javaScript, 'no page is involved');
  for (const role of ROLES) {
    const token = await tokenOf(company.people[role]);
    const seat = await call<{ session_id: string; code: string }>('POST', '/licenses/acquire', { hardware_id: `role-${role}` }, token);
    if (TABLE['seat.hold']?.[role]) {
      expect(seat.status, role).toBe(201);
      await call('DELETE', `/licenses/release/${seat.body.session_id}`, undefined, token);
    } else {
      expect(seat, role).toMatchObject({ status: 403, body: { code: 'role_holds_no_seat' } });
    }
  }
});
