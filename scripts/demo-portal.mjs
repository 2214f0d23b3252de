// The running portal, as the demo uses it: the licence API, the forms of the pages, the mailbox, and `portal admin`.

import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The folder of the portal that runs here. */
export const FOLDER = '.portal';
const SECRETS = `${FOLDER}/demo.json`;
/** No letters and digits that look alike. */
const ALPHABET = 'abcdefghjkmnpqrstuvwxyz23456789';

/** Ends the demo with one sentence. */
export class Stop extends Error {}

/** The password of the demo's people: made at random once per folder, never the same elsewhere. */
function password() {
  if (existsSync(SECRETS)) return JSON.parse(readFileSync(SECRETS, 'utf8')).password;
  const group = () => Array.from({ length: 4 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  const made = Array.from({ length: 4 }, group).join('-');
  writeFileSync(SECRETS, `${JSON.stringify({ password: made })}\n`, { mode: 0o600 });
  chmodSync(SECRETS, 0o600);
  return made;
}

export class Portal {
  constructor(baseURL, sandbox) {
    this.baseURL = baseURL;
    this.sandbox = sandbox;
    this.password = password();
    // Of people who have signed in by the form.
    this.cookies = new Map();
  }

  /** The portal that runs in this folder. */
  static async running() {
    let variables;
    try {
      variables = JSON.parse(readFileSync(`${FOLDER}/running.json`, 'utf8')).variables;
    } catch {
      throw new Stop('No portal runs in this folder: start it with `make run` in another terminal first.');
    }
    const base = process.env.PORTAL_BASE_URL || new Map(variables).get('PORTAL_BASE_URL');
    const ready = await fetch(`${base}/readyz`).catch(() => undefined);
    if (!ready?.ok) throw new Stop(`The portal at ${base} is not ready: wait for \`make run\` to print its address.`);
    const stripe = new Map(variables).get('STRIPE_API_BASE');
    return new Portal(base, stripe);
  }

  // --- the API

  async call(method, path, body, token, more = {}) {
    for (;;) {
      const answer = await fetch(`${this.baseURL}/api/v1${path}`, {
        method,
        headers: { 'content-type': 'application/json', ...(token ? { authorization: `Bearer ${token}` } : {}), ...more },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      if (answer.status === 429 && answer.headers.has('retry-after')) {
        await pause(Number(answer.headers.get('retry-after')) * 1000);
        continue;
      }
      return { status: answer.status, body: text ? JSON.parse(text) : {} };
    }
  }

  async done(method, path, body, token, more) {
    const answer = await this.call(method, path, body, token, more);
    if (answer.status >= 300) throw new Stop(`${method} ${path}: ${answer.body.detail ?? answer.status}`);
    return answer.body;
  }

  get(path, token) {
    return this.done('GET', path, undefined, token);
  }

  /** Asks for a login; the answer says whether the account is there. */
  tryLogin(person, tenant) {
    return this.call('POST', '/auth/login', { email: person.email, password: this.password, ...(tenant ? { tenant } : {}) });
  }

  async login(person, tenant) {
    const answer = await this.tryLogin(person, tenant);
    if (answer.status !== 200) throw new Stop(`${person.email} cannot sign in: ${answer.body.detail}`);
    return answer.body.access_token;
  }

  // --- people

  /** Registers the owner's organization unless it is there. Returns its slug. */
  async ensureOrganization(name, owner) {
    let login = await this.tryLogin(owner);
    if (login.status === 401) {
      await this.done('POST', '/auth/register', { organization_name: name, name: owner.name, email: owner.email, password: this.password });
      login = await this.tryLogin(owner);
    }
    if (login.body.code === 'email_unverified') {
      await this.page(await this.mailed(owner.email, '/verify-email?token='));
      login = await this.tryLogin(owner);
    }
    if (login.body.code === 'tenant_required') return this.slugOf(login.body.tenants.find((t) => t.name === name), owner);
    if (login.status !== 200) {
      throw new Stop(`${owner.email} is known with another password (${login.body.detail}): run \`make clean-data\` for a fresh start.`);
    }
    return this.slugOf((await this.get('/auth/me', login.body.access_token)).tenant, owner);
  }

  slugOf(tenant, owner) {
    if (!tenant) throw new Stop(`${owner.email} does not own the demo's organization any longer: run \`make clean-data\` for a fresh start.`);
    return tenant.slug;
  }

  async invite(token, email, role) {
    await this.done('POST', '/members/invitations', { email, role }, token);
  }

  /** Invites and accepts at once. */
  async join(token, person, role) {
    await this.invite(token, person.email, role);
    const path = await this.mailed(person.email, '/invitations/');
    await this.submit(path, { name: person.name, password: this.password });
  }

  /** Gives a member the role that he has in the end. */
  async setRole(token, person) {
    const { members } = await this.get('/members', token);
    const member = members.find((m) => m.email === person.email);
    await this.done('PATCH', `/members/${member.user_id}`, { role: person.role }, token);
  }

  /** Makes the support agent, with the same password. */
  async ensureStaff(person) {
    // Staff belong to no organization, which is what a login with the right password is told.
    if ((await this.tryLogin(person)).status !== 401) return;
    const printed = await this.admin('create-staff', '--email', person.email, '--name', person.name);
    const path = printed.split(/\s+/).find((word) => word.startsWith(`${this.baseURL}/`))?.slice(this.baseURL.length);
    if (!path) throw new Stop(`create-staff printed no link: ${printed}`);
    await this.submit(path, { password: this.password });
  }

  // --- seats

  /** Buys so many seats at the Stripe sandbox, like the owner in a browser, unless that many are bought already. */
  async ensureSeats(token, person, slug, seats) {
    const [license] = (await this.get('/licenses', token)).licenses;
    if (license.tier === 'PRO') return;
    if (!this.sandbox) {
      // Real Stripe, or none: nobody pays for a demo.
      await this.admin('set-seats', '--tenant', slug, '--seats', String(seats));
      return;
    }
    const cookie = await this.signIn(person);
    const page = `/orgs/${slug}/billing`;
    const send = (url, values, headers = {}) =>
      fetch(url, { method: 'POST', headers: { accept: 'text/html', ...headers }, body: new URLSearchParams(values), redirect: 'manual' });
    const ours = { origin: this.baseURL, referer: this.baseURL + page, cookie };
    const opened = await send(`${this.baseURL}/_fn/buy-seats`, { organization: slug, seats: String(seats), interval: 'month' }, ours);
    const checkout = opened.headers.get('location') ?? '';
    if (!checkout.startsWith(this.sandbox)) throw new Stop(`The seats of ${slug} could not be bought (${opened.status}).`);
    const paid = await send(checkout, { card_number: '4242424242424242', exp: '08/40', cvc: '123', name: person.name, quantity: String(seats) });
    const back = paid.headers.get('location');
    if (!back) throw new Stop(`The Stripe sandbox did not take the demo's card (${paid.status}).`);
    await fetch(back, { headers: { cookie }, redirect: 'manual' });
  }

  /** Signs in by the form, once for each person, whose attempts are counted; the browser session's cookie. */
  async signIn(person) {
    const known = this.cookies.get(person.email);
    if (known) return known;
    const answer = await this.submit('/login', { email: person.email, password: this.password });
    const cookie = answer.headers.getSetCookie().find((c) => c.startsWith('__Host-portal='));
    if (!cookie) throw new Stop(`${person.email} could not sign in by the form.`);
    this.cookies.set(person.email, cookie.split(';')[0]);
    return cookie.split(';')[0];
  }

  // --- features

  /** Tells of some days of feature use, and lets it be counted if it is not; said again on the same day, it counts once. */
  async countFeatures(token, person, slug, features) {
    const days = [0, 1, 2, 3, 4].map((n) => new Date(Date.now() - n * 86_400_000).toISOString().slice(0, 10));
    const events = features.flatMap(([feature, count]) => days.map((day, n) => ({ feature, at: `${day}T00:00:00Z`, count: Math.ceil(count / (n + 1)) })));
    const tell = () => this.done('POST', '/analytics/track', { events }, token, { 'idempotency-key': `demo ${days[0]}` });
    if ((await tell()).enabled) return;
    await fetch(`${this.baseURL}/_fn/organization-analytics`, {
      method: 'POST',
      headers: { accept: 'text/html', origin: this.baseURL, referer: `${this.baseURL}/orgs/${slug}/settings`, cookie: await this.signIn(person) },
      body: new URLSearchParams({ slug, analytics: 'true' }),
      redirect: 'manual',
    });
    if (!(await tell()).enabled) throw new Stop(`The counting of features of ${slug} could not be switched on.`);
  }

  // --- sessions

  /** Ends all live sessions of this person, as an owner. */
  async revoke(token, person) {
    for (const license of (await this.get('/licenses', token)).licenses) {
      const { sessions } = await this.get(`/licenses/${license.id}/sessions`, token);
      for (const session of sessions.filter((s) => s.user_email === person.email)) {
        await this.done('DELETE', `/sessions/${session.id}`, undefined, token);
      }
    }
  }

  // --- pages, mail, shell

  async page(path) {
    const answer = await fetch(this.baseURL + path, { headers: { accept: 'text/html' } });
    const html = await answer.text();
    if (!answer.ok) throw new Stop(`${path.split('?')[0]} answers ${answer.status}.`);
    return html;
  }

  /** Fills in the form of a page and sends it, like a browser without JavaScript. */
  async submit(path, values) {
    const html = await this.page(path);
    const form = /<main\b[\s\S]*?(<form\b[\s\S]*?<\/form>)/.exec(html)?.[1] ?? '';
    const hidden = [...form.matchAll(/<input\b[^>]*type="hidden"[^>]*>/g)].map(([tag]) => [attribute(tag, 'name'), attribute(tag, 'value')]);
    const answer = await fetch(new URL(attribute(form, 'action'), this.baseURL), {
      method: 'POST',
      headers: { origin: this.baseURL, referer: this.baseURL + path, accept: 'text/html' },
      body: new URLSearchParams({ ...Object.fromEntries(hidden), ...values }),
      redirect: 'manual',
    });
    const next = answer.headers.get('location') ?? '';
    const refusal = Buffer.from(new URL(next || path, this.baseURL).searchParams.get('__err') ?? '', 'base64').toString();
    if (answer.status === 429 || refusal.includes('rate_limited')) {
      await pause(1000);
      return this.submit(path, values);
    }
    if (answer.status >= 400 || next.includes('__err=')) throw new Stop(`The form at ${path.split('?')[0]} was refused (${answer.status}).`);
    return answer;
  }

  /** Waits for a mail with a link to such a page; the path of the newest one. */
  async mailed(to, start) {
    for (let attempt = 0; attempt < 150; attempt++) {
      const answer = await fetch(`${this.baseURL}/dev/mailbox.json?to=${encodeURIComponent(to)}`);
      if (!answer.ok) throw new Stop('The portal sends real mail (SMTP_URL is set): the demo needs its embedded mailbox.');
      for (const mail of await answer.json()) {
        const link = mail.text.split(/\s+/).find((word) => word.startsWith(this.baseURL + start));
        if (link) return link.slice(this.baseURL.length);
      }
      await pause(200);
    }
    throw new Stop(`No mail to ${to} arrived within 30 s.`);
  }

  /** `portal admin …`, with what it printed. */
  async admin(...args) {
    try {
      return (await run(process.env.PORTAL_BIN, ['admin', ...args])).stdout;
    } catch (error) {
      throw new Stop(`portal admin ${args[0]}: ${error.stderr?.trim() || error.message}`);
    }
  }
}

function attribute(html, name) {
  const value = new RegExp(`\\s${name}="([^"]*)"`).exec(html.slice(0, html.indexOf('>') + 1))?.[1] ?? '';
  return value.replaceAll('&quot;', '"').replaceAll('&#x27;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
