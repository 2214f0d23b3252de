/** Looking at processes, by /proc. */

import { readdirSync, readFileSync } from 'node:fs';

export interface Process {
  pid: number;
  /** Start time in clock ticks: with the pid it names one process for good. */
  started: string;
  name: string;
}

interface Stat extends Process {
  parent: number;
  zombie: boolean;
}

function stat(pid: number): Stat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // "pid (name) state ppid …": the name may contain anything, so look after the last parenthesis.
  const name = text.slice(text.indexOf('(') + 1, text.lastIndexOf(')'));
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const state = fields[0] ?? '';
  return { pid, name, parent: Number(fields[1]), zombie: 'ZX'.includes(state), started: fields[19] ?? '' };
}

/** The words that start a program which gets SIGTERM when we end, however we end: nothing is to run on after a killed test run. */
export const mortal = (program: string, args: string[]): [string, string[]] => ['setpriv', ['--pdeathsig', 'TERM', '--', program, ...args]];

/** All processes below this one. */
export function descendants(root: number): Process[] {
  const all = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => stat(Number(entry)) ?? []);
  const below: Stat[] = [];
  let parents = new Set([root]);
  while (parents.size > 0) {
    const children = all.filter((p) => parents.has(p.parent));
    below.push(...children);
    parents = new Set(children.map((p) => p.pid));
  }
  return below.map(({ pid, started, name }) => ({ pid, started, name }));
}

/** Whether this very process still runs. */
export function runs(process: Process): boolean {
  const now = stat(process.pid);
  return now !== undefined && !now.zombie && now.started === process.started;
}
