// Real clients on pretended devices: each has its own state folder, fingerprint and, where the system allows it, host name.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { FOLDER, Stop } from './demo-portal.mjs';

/** Arguments of `unshare` for a host name of one's own; undefined where the system forbids it. */
export const hostnames = [['--uts'], ['--user', '--map-root-user', '--uts']].find(
  (options) => spawnSync('unshare', [...options, 'hostname', 'demo'], { stdio: 'ignore' }).status === 0,
);

export class Client {
  constructor(portal, person, home) {
    this.portal = portal;
    this.person = person;
    this.home = home;
    this.child = undefined;
    this.revoked = false;
    this.ended = Promise.resolve();
  }

  /** A device on which this person has signed in. */
  static async signIn(portal, organization, person) {
    const home = resolve(FOLDER, 'demo', person.device);
    mkdirSync(home, { recursive: true, mode: 0o700 });
    const client = new Client(portal, person, home);
    const login = ['login', '--email', person.email, '--tenant', organization.slug];
    for (;;) {
      const { code, output } = await client.#run(login, { CODITECT_PASSWORD: portal.password });
      if (code === 0) return client;
      // All of these people are at one address.
      if (!/Too many attempts/.test(output)) throw new Stop(`${person.name} cannot sign in on ${person.device}: ${output}`);
      await pause(1000);
    }
  }

  get runs() {
    return this.child !== undefined;
  }

  /** Runs a command under a seat to its end. */
  finish(...command) {
    return this.#run(['run', '--', ...command]);
  }

  /** Starts a command that never ends and waits for the seat. `tell` hears what the client says later. */
  async start(tell) {
    let say;
    const taken = new Promise((done, failed) => {
      say = (line, code) => {
        if (code !== undefined) failed(new Stop(`${this.person.name}'s client ended with ${code}: ${line}`));
        else if (/^(Seat taken|Sharing)/.test(line)) done();
      };
    });
    taken.catch(() => {});
    let last = '';
    let started = false;
    this.ended = this.#run(['run', '--', 'sleep', 'infinity'], {}, (line) => {
      last = line;
      if (started) tell(line);
      say(line);
    }).then(({ code }) => say(last, code));
    await taken;
    started = true;
  }

  /** Asks it to end, so that it gives the seat back. */
  async stop() {
    this.child?.kill('SIGTERM');
    await this.ended;
  }

  #run(args, more = {}, hear = () => {}) {
    const program = process.env.CODITECT_LICENSE_BIN;
    // If the demo is killed, its clients end too; Ctrl-C in the terminal is for the demo alone, which then ends them in order.
    const words = ['setpriv', '--pdeathsig', 'TERM', '--'];
    if (hostnames) words.push('unshare', ...hostnames, 'sh', '-c', 'hostname "$1"; shift; exec "$@"', 'sh', this.person.device);
    words.push(program, ...args);
    const child = spawn(words[0], words.slice(1), {
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ...more,
        CODITECT_SERVER: this.portal.baseURL,
        CODITECT_HOME: this.home,
        CODITECT_HARDWARE_ID: `demo-${this.person.device}`,
      },
    });
    this.child = child;
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text) => {
        output += text;
        for (const line of text.split('\n').filter(Boolean)) hear(line);
      });
    }
    return new Promise((done, failed) => {
      child.once('error', (error) => failed(new Stop(`${program} cannot be started: ${error.message}`)));
      child.once('close', (code) => {
        this.child = undefined;
        done({ code, output: output.trim() });
      });
    });
  }
}
