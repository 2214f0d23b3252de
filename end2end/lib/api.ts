/** The licence API, as an application calls it. */

import { environment } from './environment.ts';

export interface Answer<T = Record<string, unknown>> {
  status: number;
  headers: Headers;
  body: T;
}

/** One call. The answer is not judged: tests look at `status` and `body`. */
export async function call<T = Record<string, unknown>>(method: string, path: string, body?: unknown, token?: string): Promise<Answer<T>> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (token) headers['authorization'] = `Bearer ${token}`;
  const answer = await fetch(`${environment().baseURL}/api/v1${path}`, {
    method,
    headers,
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: (text ? JSON.parse(text) : {}) as T };
}

/** Like `call`, where anything but success is a failure of the test. */
export async function done<T = Record<string, unknown>>(method: string, path: string, body?: unknown, token?: string): Promise<T> {
  const answer = await call<T>(method, path, body, token);
  if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body;
}

export interface Login {
  access_token: string;
  refresh_token: string;
  code?: string;
}

/** Tries to log in; somebody who belongs to several organisations names one by its slug. */
export async function login({ email, password }: { email: string; password: string }, tenant?: string): Promise<Answer<Login>> {
  return call<Login>('POST', '/auth/login', { email, password, ...(tenant ? { tenant } : {}) });
}

/** An access token. */
export async function tokenOf(who: { email: string; password: string }, tenant?: string): Promise<string> {
  const answer = await login(who, tenant);
  if (answer.status !== 200) throw new Error(`${who.email} cannot log in: ${JSON.stringify(answer.body)}`);
  return answer.body.access_token;
}

export interface Me {
  user: { id: string; name: string; email: string };
  tenant: { id: string; name: string; slug: string };
  role: string;
  permissions: string[];
}

export interface LicenseView {
  id: string;
  key: string;
  tier: string;
  max_seats: number;
  active?: number;
}

export interface SessionView {
  id: string;
  user_name: string;
  hardware_id: string;
  started_at: string;
  last_heartbeat_at: string;
  expires_at: string;
}

/** The licences of the organisation. */
export async function licenses(token: string): Promise<LicenseView[]> {
  return listOf<LicenseView>(await done('GET', '/licenses', undefined, token));
}

/** Who holds a seat of the organisation's first licence. */
export async function sessions(token: string): Promise<SessionView[]> {
  const [first] = await licenses(token);
  return listOf<SessionView>(await done('GET', `/licenses/${first?.id}/sessions`, undefined, token));
}

/** A list's answer is an object with one array in it. */
function listOf<T>(body: unknown): T[] {
  const list = Array.isArray(body) ? body : Object.values(body as object).find(Array.isArray);
  if (!list) throw new Error(`No list in ${JSON.stringify(body)}`);
  return list as T[];
}

/** What a device that begins to log in is told (RFC 8628 §3.2). */
export interface DeviceLogin {
  device_code: string;
  user_code: string;
  verification_uri_complete: string;
}

/** Begins a login that somebody is to approve in a browser. */
export async function beginDevice(hostname = 'ws-14'): Promise<DeviceLogin> {
  const body = new URLSearchParams({ client_id: 'e2e', hardware_id: 'hw', hostname });
  const answer = await fetch(`${environment().baseURL}/api/v1/device/authorize`, { method: 'POST', body });
  if (!answer.ok) throw new Error(`device/authorize: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as DeviceLogin;
}
