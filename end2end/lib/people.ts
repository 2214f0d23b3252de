/** People and their organisations: made through the real pages, or, where a test is about something else, in the short way. */

import { type Page } from '@playwright/test';
import { expect, random } from './test.ts';
import { createStaff } from './admin.ts';
import { done, tokenOf, type Me } from './api.ts';
import { environment } from './environment.ts';
import { link, mail } from './mailbox.ts';

export interface Person {
  name: string;
  email: string;
  password: string;
}

export interface Organization {
  name: string;
  slug: string;
  owner: Person;
}

export type Role = 'OWNER' | 'ADMIN' | 'BILLING' | 'MEMBER' | 'GUEST';

/** Somebody whom the portal has never seen. */
export function stranger(name = 'Ingrid Solberg'): Person {
  const first = name.split(' ')[0]?.toLowerCase().normalize('NFD').replace(/[^a-z]/g, '') ?? 'somebody';
  return { name, email: `${first}-${random()}@e2e.example`, password: `the ferry leaves at ${random()}` };
}

/** Fills in the sign-up form and sends it. */
export async function sendSignUp(page: Page, organizationName: string, person: Person): Promise<void> {
  await page.goto('/signup');
  await page.locator('[name=organization_name]').fill(organizationName);
  await page.locator('[name=name]').fill(person.name);
  await page.locator('[name=email]').fill(person.email);
  await page.locator('[name=password]').fill(person.password);
  await page.getByRole('button', { name: 'Create organization' }).click();
}

/** Follows the link of the confirmation mail; where the page asks for a click (mail scanners open links too), clicks. */
export async function confirmAddress(page: Page, person: Person): Promise<void> {
  await page.goto(link(await mail(person.email, /^Confirm your email/)));
  const button = page.getByRole('main').getByRole('button');
  if (await button.count()) await button.first().click();
  await expect(page.getByRole('main')).toContainText(/confirmed/i);
}

/** Signs in by the form and waits for the page behind it. */
export async function signIn(page: Page, who: { email: string; password: string }, lands: RegExp = /\/orgs\/[a-z0-9-]+$/): Promise<void> {
  await page.goto('/login');
  await sendLogin(page, who);
  await expect(page).toHaveURL(lands);
}

/** Fills in the sign-in form of this page and sends it. */
export async function sendLogin(page: Page, who: { email: string; password: string }): Promise<void> {
  await page.locator('[name=email]').fill(who.email);
  await page.locator('[name=password]').fill(who.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

/** Sign-up, mail, confirmation, sign-in, all through the pages. Ends on the overview. */
export async function signUp(page: Page, organizationName: string, person = stranger()): Promise<Organization> {
  await sendSignUp(page, organizationName, person);
  // The mail may be quicker than the browser, which would then leave the confirmation again.
  await expect(page).toHaveURL(/\/signup\/sent/);
  await confirmAddress(page, person);
  await signIn(page, person);
  return { name: organizationName, slug: slugOf(page), owner: person };
}

/** Makes somebody a member of the vendor's staff: the operator's link, the first password, the console. */
export async function becomeStaff(page: Page, person: Person): Promise<void> {
  await page.goto(await createStaff(person.email));
  await page.locator('[name=password]').fill(person.password);
  await page.getByRole('button', { name: 'Set new password' }).click();
  await expect(page).toHaveURL(/\/login/);
  await signIn(page, person, /\/support$/);
}

/** The organisation whose page this is. */
export function slugOf(page: Page): string {
  const slug = /^\/orgs\/([a-z0-9-]+)/.exec(new URL(page.url()).pathname)?.[1];
  if (!slug) throw new Error(`${page.url()} is no organisation's page.`);
  return slug;
}

/** An organisation without a browser: registration by the API, confirmation by the page behind the mailed link. */
export async function found(name = 'Fjordline Studio', owner = stranger()): Promise<Organization> {
  await done('POST', '/auth/register', { organization_name: name, ...owner });
  await confirmWithoutBrowser(link(await mail(owner.email, /^Confirm your email/)));
  const me = await done<Me & Record<string, unknown>>('GET', '/auth/me', undefined, await tokenOf(owner));
  return { name, slug: me.tenant.slug, owner };
}

/** An organisation and a page on its overview. */
export async function foundAndEnter(page: Page, name?: string, owner?: Person): Promise<Organization> {
  const organization = await found(name, owner);
  await signIn(page, organization.owner);
  return organization;
}

/** A colleague of that role, invited by the API and accepted by the form behind the mailed link. */
export async function join(organization: Organization, role: Role, person = stranger('Jonas Lindqvist')): Promise<Person> {
  const token = await tokenOf(organization.owner);
  await done('POST', '/members/invitations', { email: person.email, role }, token);
  const path = link(await mail(person.email, /invites you/));
  await submit(path, { name: person.name, password: person.password });
  return person;
}

async function confirmWithoutBrowser(path: string): Promise<void> {
  const { baseURL } = environment();
  const page = await fetch(baseURL + path);
  if (!page.ok) throw new Error(`${path} answers ${page.status}.`);
  const form = formOf(await page.text());
  if (form) await post(form, {}, path);
}

/** Sends the form of a page with these values, like a browser without JavaScript. */
async function submit(path: string, values: Record<string, string>): Promise<void> {
  const { baseURL } = environment();
  const html = await (await fetch(baseURL + path)).text();
  const form = formOf(html);
  if (!form) throw new Error(`${path} has no form.`);
  await post(form, values, path);
}

interface Form {
  action: string;
  hidden: Record<string, string>;
}

function formOf(html: string): Form | undefined {
  const form = /<form\b[^>]*>[\s\S]*?<\/form>/i.exec(html.slice(html.search(/<main\b/i)))?.[0];
  const action = form && attribute(form, 'action');
  if (!form || !action) return undefined;
  const hidden: Record<string, string> = {};
  for (const [input] of form.matchAll(/<input\b[^>]*>/gi)) {
    const name = attribute(input, 'name');
    if (name && attribute(input, 'type') === 'hidden') hidden[name] = attribute(input, 'value') ?? '';
  }
  return { action, hidden };
}

function attribute(tag: string, name: string): string | undefined {
  const value = new RegExp(`\\s${name}="([^"]*)"`, 'i').exec(tag.slice(0, tag.indexOf('>') + 1))?.[1];
  return value?.replaceAll('&amp;', '&').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>');
}

async function post(form: Form, values: Record<string, string>, from: string): Promise<void> {
  const { baseURL } = environment();
  const answer = await fetch(new URL(form.action, baseURL + from), {
    method: 'POST',
    body: new URLSearchParams({ ...form.hidden, ...values }),
    headers: { origin: baseURL, referer: baseURL + from, accept: 'text/html' },
    redirect: 'manual',
  });
  const location = answer.headers.get('location') ?? '';
  if (answer.status >= 400 || location.includes('__err')) throw new Error(`The form of ${from} was refused: ${answer.status} ${location}`);
}
