import { createRequire } from 'node:module';
import { setImmediate } from 'node:timers/promises';
import * as cli from '../../lib/cli';
import type { ProgramResult } from '../../lib/engine/program';
import type { TaskKind } from '../../lib/runs/task';
import * as grid from '../../reproduce/grid/command';
import type { GridStudy } from '../../reproduce/grid/settings';

const load = createRequire(__filename);
const cliFile = load.resolve('../../lib/cli');
const gridFile = load.resolve('../../reproduce/grid/command');

/** What `process.exit` throws instead of ending the tests. */
class Exit extends Error {
  constructor(readonly status: number) {
    super(`exit status ${status}`);
  }
}

let last: Promise<unknown> = Promise.resolve();

/** Commands share the process' arguments, environment and output, so that each waits for the one before. */
function inTurn<Value>(work: () => Promise<Value>): Promise<Value> {
  const next = last.then(work);
  last = next.catch(() => undefined);
  return next;
}

/** Puts other exports in the place of a loaded module's; what it returns puts the module's own back. */
function standIn(file: string, exports: object): () => void {
  const entry = load.cache[file];
  if (entry === undefined) throw new Error(`${file} was not loaded`);
  const own: unknown = entry.exports;
  entry.exports = exports;
  return () => {
    entry.exports = own;
  };
}

/**
 * Runs a command's file, that of a view of the grid too, in this process, which spares the two seconds in which a process of its own loads
 * what is loaded here already; `env` is added to the environment meanwhile. A command that changes what a
 * process knows (the engine that it computes on, registered names) needs `runTypeScript`.
 */
export function runHere(
  file: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<ProgramResult> {
  return inTurn(() =>
    captured(['node', file, ...args], env, (run) => {
      const runWhenMain: typeof grid.runWhenMain = (_, study) => {
        run(() => cli.parseCommand(grid.gridCommand(study)));
      };
      const restore = [
        standIn(cliFile, { ...cli, runCommand: run }),
        standIn(gridFile, { ...grid, runWhenMain }),
      ];
      try {
        // Anew each time: its options are kept in the module.
        Reflect.deleteProperty(load.cache, load.resolve(file));
        load(file);
      } finally {
        for (const back of restore) back();
      }
    }),
  );
}

/** The same for a view of the grid that a test has changed or made. */
export function runGridHere<Kind extends TaskKind>(
  study: GridStudy<Kind>,
  args: readonly string[],
): Promise<ProgramResult> {
  return inTurn(() =>
    captured(['node', study.script, ...args], {}, (run) => {
      run(() => cli.parseCommand(grid.gridCommand(study)));
    }),
  );
}

type Run = typeof cli.runCommand;

/** Gives `start` a `runCommand` that is waited for, and keeps what is printed until then. */
async function captured(
  argv: readonly string[],
  env: NodeJS.ProcessEnv,
  start: (run: Run) => void,
): Promise<ProgramResult> {
  const restore: (() => void)[] = [];
  const put = <Owner extends object, Name extends keyof Owner>(
    owner: Owner,
    name: Name,
    value: Owner[Name],
  ): void => {
    const before = Object.getOwnPropertyDescriptor(owner, name);
    Object.defineProperty(owner, name, { value, configurable: true, writable: true });
    restore.push(() => {
      if (before === undefined) Reflect.deleteProperty(owner, name);
      else Object.defineProperty(owner, name, before);
    });
  };
  const printed = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    put(process[name], 'isTTY', false);
    put(process[name], 'write', (...[chunk, ...others]: unknown[]) => {
      printed[name] +=
        typeof chunk === 'string' ? chunk : Buffer.from(chunk as Uint8Array).toString();
      const written = others.find((other) => typeof other === 'function');
      if (written !== undefined) process.nextTick(written as () => void);
      return true;
    });
  }
  put(process, 'exit', (status) => {
    throw new Exit(Number(status ?? 0));
  });
  put(process, 'argv', [...argv]);
  const before = { ...process.env };
  Object.assign(process.env, env);
  const statusBefore = process.exitCode;
  process.exitCode = undefined;
  try {
    let exit: Exit | undefined;
    await new Promise<void>((resolve) => {
      start((main) => {
        cli.runCommand(async () => {
          try {
            await main();
          } catch (error) {
            if (!(error instanceof Exit)) throw error;
            exit = error;
          } finally {
            resolve();
          }
        });
      });
    });
    // What was thrown is told after the command's end.
    await setImmediate();
    const status = exit?.status ?? Number(process.exitCode ?? 0);
    return { status, ...printed };
  } finally {
    process.exitCode = statusBefore;
    for (const name of Object.keys(env)) {
      if (before[name] === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = before[name];
    }
    for (const back of restore.reverse()) back();
  }
}
