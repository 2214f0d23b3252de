/** Without JavaScript, too, every page is whole: heading, title, content, no sideways scroll. */

import { expectHeaded, expectNoSidewaysScroll } from '../lib/rules.ts';
import { expect, test, type Seat } from '../lib/company.ts';

test.skip(({ javaScript }) => javaScript, 'pages.js.spec.ts looks at the same pages with JavaScript');

for (const [seat, tails] of [
  ['NOBODY', ['/', '/signup', '/login', '/forgot-password', '/download']],
  ['OWNER', ['/orgs/:slug', '/orgs/:slug/members', '/orgs/:slug/licenses', '/orgs/:slug/sessions', '/orgs/:slug/audit', '/orgs/:slug/settings', '/account', '/orgs/new']],
  ['STAFF', ['/support', '/support/tenants/:id']],
] as [Seat, string[]][]) {
  test(`the pages of ${seat}`, async ({ as, company }) => {
    const page = await as(seat);
    for (const tail of tails) {
      const answer = await page.goto(tail.replace(':slug', company.organization.slug).replace(':id', company.tenantId));
      expect(answer?.status(), tail).toBe(200);
      await expectHeaded(page);
      await expectNoSidewaysScroll(page);
      expect((await page.getByRole('main').innerText()).length, tail).toBeGreaterThan(40);
    }
  });
}
