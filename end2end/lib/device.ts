/** A device with the real client on it: `coditect-license` with a state folder and a fingerprint of its own. */

import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientBinary, environment } from './environment.ts';
import { descendants, mortal, runs, type Process } from './processes.ts';
import { until } from './wait.ts';

export interface Ended {
  /** Exit code, or null after a signal. */
  code: number | null;
  /** All that it printed. */
  output: string;
}

/** One run of the client. */
export class Run {
  readonly ended: Promise<Ended>;
  private output = '';
  private over = false;

  constructor(private readonly child: ChildProcess) {
    for (const stream of [child.stdout, child.stderr]) stream?.setEncoding('utf8').on('data', (text: string) => (this.output += text));
    this.ended = new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code) => {
        this.over = true;
        resolve({ code, output: this.output });
      });
    });
    // Whoever does not wait for the end is not to be told of it either.
    this.ended.catch(() => {});
  }

  /** What it has printed so far. */
  printed(): string {
    return this.output;
  }

  /** Waits until it has printed such a line. */
  async prints(text: RegExp, limit = 15_000): Promise<void> {
    await until(
      `the client to print ${text}`,
      () => {
        if (text.test(this.output)) return true;
        if (this.over) throw new Error(`The client ended without printing ${text}:\n${this.output}`);
        return false;
      },
      limit,
    );
  }

  /** Waits until the command that it was to run does run: then it holds a seat. */
  async holds(command = 'sleep', limit = 15_000): Promise<void> {
    await until(
      `the client to run ${command}`,
      () => {
        if (this.over) throw new Error(`The client ended instead of running ${command}:\n${this.output}`);
        return this.below().some((p) => p.name === command);
      },
      limit,
    );
  }

  /** A signal to the client alone, as `kill` sends it. */
  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Types into its terminal. */
  type(keys: string): void {
    this.child.stdin?.write(keys);
  }

  /** Gives it all of its standard input. */
  end(input: string): void {
    this.child.stdin?.end(input);
  }

  /** `kill -9` of the client; the command that it ran goes too, without a word to the portal. */
  crash(): void {
    const left = this.below();
    this.child.kill('SIGKILL');
    for (const p of left.filter(runs)) {
      try {
        process.kill(p.pid, 'SIGKILL');
      } catch {
        // It has ended with the client.
      }
    }
  }

  /** Ends whatever is left. */
  async clean(): Promise<void> {
    if (!this.over) this.crash();
    await this.ended.catch(() => {});
  }

  private below(): Process[] {
    return this.child.pid ? descendants(this.child.pid) : [];
  }
}

/** A machine of somebody. */
export class Device {
  readonly home = mkdtempSync(join(tmpdir(), 'coditect-e2e-'));
  private readonly started: Run[] = [];

  constructor(readonly hardwareId: string) {}

  /** Starts the client with these arguments. */
  start(args: string[], input?: string): Run {
    const run = this.spawn(clientBinary(), args, input !== undefined);
    if (input !== undefined) run.end(input);
    return run;
  }

  private spawn(program: string, args: string[], withInput: boolean): Run {
    const child = spawn(...mortal(program, args), {
      stdio: [withInput ? 'pipe' : 'ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        CODITECT_SERVER: environment().baseURL,
        CODITECT_HOME: this.home,
        CODITECT_HARDWARE_ID: this.hardwareId,
      },
    });
    const run = new Run(child);
    this.started.push(run);
    return run;
  }

  /**
   * Starts the client in a terminal of its own (by `script` of util-linux). What is written to it is typed: `type('\x03')` is Ctrl-C.
   */
  terminal(args: string[]): Run {
    const line = [clientBinary(), ...args].map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(' ');
    return this.spawn('script', ['--quiet', '--return', '--flush', '--command', line, '/dev/null'], true);
  }

  /** Runs the client to its end. */
  async finish(...args: string[]): Promise<Ended> {
    return this.start(args).ended;
  }

  /** Signs in with e-mail and password. */
  async login(who: { email: string; password: string }): Promise<void> {
    const { code, output } = await this.start(['login', '--email', who.email, '--password-stdin'], `${who.password}\n`).ended;
    if (code !== 0) throw new Error(`login ended with ${code}: ${output}`);
  }

  /** Starts `run -- COMMAND…` and waits until the command runs. */
  async run(...command: string[]): Promise<Run> {
    const run = this.start(['run', '--', ...command]);
    await run.holds(command[0]);
    return run;
  }

  /** Ends what still runs and forgets the state folder. */
  async clean(): Promise<void> {
    await Promise.all(this.started.map((run) => run.clean()));
    rmSync(this.home, { recursive: true, force: true });
  }
}
