/** An organisation with everything in it, for tests that only look. Made once per worker. */

import { type Browser, type Page } from '@playwright/test';
import { setSeats } from './admin.ts';
import { done, licenses, tokenOf } from './api.ts';
import { Device } from './device.ts';
import { environment } from './environment.ts';
import { becomeStaff, found, join, signIn, stranger, type Organization, type Person, type Role } from './people.ts';
import { expect, test as base, random } from './test.ts';

export type Seat = Role | 'STAFF' | 'NOBODY';

type StorageState = Awaited<ReturnType<ReturnType<Page['context']>['storageState']>>;

export interface Company {
  organization: Organization;
  people: Record<Role, Person>;
  staff: Person;
  licenseId: string;
  tenantId: string;
  /** The signed-in browsers, to be used again and again. */
  signedIn: Partial<Record<Seat, StorageState>>;
}

async function makeCompany(): Promise<{ company: Company; device: Device }> {
  const organization = await found('Meridian Geodata');
  await setSeats(organization.slug, 3);
  const people: Record<Role, Person> = {
    OWNER: organization.owner,
    ADMIN: await join(organization, 'ADMIN', stranger('Amélie Laurent')),
    BILLING: await join(organization, 'BILLING', stranger('Marcus Webb')),
    MEMBER: await join(organization, 'MEMBER', stranger('Jonas Lindqvist')),
    GUEST: await join(organization, 'GUEST', stranger('Yuki Tanaka')),
  };
  const token = await tokenOf(organization.owner);
  await done('POST', '/members/invitations', { email: `pending-${random()}@e2e.example`, role: 'MEMBER' }, token);
  const me = await done<{ tenant: { id: string } }>('GET', '/auth/me', undefined, token);
  const [license] = await licenses(token);

  // One session that lives, one that has ended, one that was ended, and one start that was refused.
  const device = new Device(`e2e-${random()}`);
  await device.login(people.MEMBER);
  await device.run('sleep', '3600');
  for (const end of ['release', 'revoke']) {
    const seat = await done<{ session_id: string }>('POST', '/licenses/acquire', { hardware_id: end, hostname: `ws-${end}` }, token);
    const path = end === 'release' ? `/licenses/release/${seat.session_id}` : `/sessions/${seat.session_id}`;
    await done('DELETE', path, undefined, token);
  }
  const staff = stranger('Sofia Marchetti');
  return {
    company: { organization, people, staff, licenseId: license?.id ?? '', tenantId: me.tenant.id, signedIn: {} },
    device,
  };
}

async function signInOnce(browser: Browser, company: Company, seat: Seat): Promise<StorageState | undefined> {
  if (seat === 'NOBODY') return undefined;
  const known = company.signedIn[seat];
  if (known) return known;
  const context = await browser.newContext({ baseURL: environment().baseURL });
  const page = await context.newPage();
  if (seat === 'STAFF') {
    await becomeStaff(page, company.staff);
  } else {
    await signIn(page, company.people[seat]);
  }
  const state = await context.storageState();
  await context.close();
  company.signedIn[seat] = state;
  return state;
}

export const test = base.extend<{ as: (seat: Seat) => Promise<Page> }, { company: Company }>({
  company: [
    async ({}, use) => {
      const { company, device } = await makeCompany();
      await use(company);
      await device.clean();
    },
    { scope: 'worker', timeout: 60_000 },
  ],

  // A browser in which this person is signed in.
  as: async ({ browser, company, guard }, use) => {
    const contexts: Awaited<ReturnType<Browser['newContext']>>[] = [];
    await use(async (seat) => {
      const storageState = await signInOnce(browser, company, seat);
      const context = await browser.newContext(storageState ? { storageState } : {});
      contexts.push(context);
      guard.watch(context);
      return context.newPage();
    });
    await Promise.all(contexts.map((context) => context.close()));
  },
});

export { expect };
