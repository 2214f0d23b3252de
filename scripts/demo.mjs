// Fills a running portal with two organizations: people in every role, licenses, and live sessions that real clients keep until
// Ctrl-C. Running it again finds what is there and goes on. Started by `make demo`; PORTAL_BIN and CODITECT_LICENSE_BIN name the
// binaries, and the portal is the one that runs in the current folder.

import { Client, hostnames } from './demo-clients.mjs';
import { Portal, Stop } from './demo-portal.mjs';
import { ORGANIZATIONS, STAFF } from './demo-people.mjs';

const clients = [];
let stopping = false;

/** Ends every client, each of which gives its seat back. */
async function stop() {
  if (stopping) return;
  stopping = true;
  const live = clients.filter((client) => client.runs);
  if (live.length > 0) console.log(`\nStopping ${live.length} clients…`);
  await Promise.all(live.map((client) => client.stop()));
}

/** The organization with its owner, members, invitation and licenses, made as far as it is missing. Returns an owner's token. */
async function fill(portal, organization) {
  const { owner, members, invited, seats, features } = organization;
  organization.slug = await portal.ensureOrganization(organization.name, owner);
  const token = await portal.login(owner, organization.slug);
  const { members: present, invitations } = await portal.get('/members', token);
  for (const person of members) {
    const there = present.find((m) => m.email === person.email);
    if (!there) await portal.join(token, person, person.joinedAs ?? person.role);
    if ((there?.role ?? person.joinedAs ?? person.role) !== person.role) await portal.setRole(token, person);
  }
  for (const { email, role } of invited) {
    if (![...present, ...invitations].some((m) => m.email === email)) await portal.invite(token, email, role);
  }
  await portal.ensureSeats(token, owner, organization.slug, seats);
  if (features) await portal.countFeatures(token, owner, organization.slug, features);
  // Short enough that whoever tries "Revoke" sees the client stop.
  await portal.admin('set-policy', '--tenant', organization.slug, '--lease-seconds', '60', '--heartbeat-seconds', '20', '--offline-hours', '72');
  return token;
}

/** Starts a client of this person and waits until it has the seat. */
async function start(portal, organization, person) {
  const client = await Client.signIn(portal, organization, person);
  clients.push(client);
  await client.start((line) => {
    if (!stopping) console.log(`  ${person.name} (${person.device}): ${line}`);
  });
  return client;
}

/** Live sessions, and what else a session can become: given back, revoked, refused. */
async function work(portal, organization, token) {
  const everybody = [organization.owner, ...organization.members];
  const those = (story) => everybody.filter((p) => p.device && p.story === story);
  for (const person of those('gave back')) {
    const client = await Client.signIn(portal, organization, person);
    await client.finish('true');
  }
  for (const person of those('revoked')) {
    const client = await start(portal, organization, person);
    await portal.revoke(token, person);
    // It learns it at its next heartbeat.
    client.revoked = true;
  }
  for (const person of those(undefined)) await start(portal, organization, person);
  for (const person of those('refused')) {
    const client = await Client.signIn(portal, organization, person);
    const { code, output } = await client.finish('true');
    if (code !== 3) throw new Stop(`${person.name}'s start should have been refused for want of a seat, but ended with ${code}: ${output}`);
  }
}

function print(portal) {
  const lines = [''];
  for (const { name, slug, owner, members } of ORGANIZATIONS) {
    lines.push(`${name}  ${portal.baseURL}/orgs/${slug}`);
    for (const p of [{ ...owner, role: 'OWNER' }, ...members]) lines.push(`  ${p.role.padEnd(8)} ${p.email.padEnd(34)} ${p.name}`);
    lines.push('');
  }
  lines.push(`Support console  ${portal.baseURL}/support`, `  ${'STAFF'.padEnd(8)} ${STAFF.email.padEnd(34)} ${STAFF.name}`, '');
  lines.push(`Sign in at ${portal.baseURL}/login; everybody's password is ${portal.password}`, '');
  lines.push(`${clients.filter((c) => c.runs && !c.revoked).length} clients hold seats until you press Ctrl-C here.`);
  console.log(lines.join('\n'));
}

async function main() {
  const portal = await Portal.running();
  console.log(`Filling ${portal.baseURL}…`);
  if (!hostnames) console.log('(All devices show this machine’s name: it lets nobody set another one.)');
  for (const organization of ORGANIZATIONS) {
    const token = await fill(portal, organization);
    await work(portal, organization, token);
    console.log(`  ${organization.name} is ready.`);
  }
  await portal.ensureStaff(STAFF);
  print(portal);
  // Each runs until it is stopped from here or revoked in the portal.
  await Promise.all(clients.map((client) => client.ended));
  if (!stopping) console.log('No client runs any longer.');
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  // A client that is just being started ends with this process.
  process.on(signal, () => void stop().then(() => process.exit(0)));
}

try {
  await main();
} catch (error) {
  if (!stopping) {
    console.error(error instanceof Stop ? error.message : error);
    await stop();
    process.exit(1);
  }
}
