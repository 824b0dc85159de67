import type { Command, Option } from 'commander';
import { LabError, optionError } from './errors';
import { errorCode } from './files';

/** Exit status for a fault that the user can mend. */
const exitFault = 1;
/** Exit status for a defect of this package (`EX_SOFTWARE`). */
const exitDefect = 70;
/** Exit status after Ctrl-C, as shells count it. */
const exitInterrupted = 130;

/**
 * Runs a command's main function and turns what it throws into one message on standard error and an
 * exit status: 1 for a `LabError`, 130 after an interruption, 70 (with the stack) for a defect.
 */
export function runCommand(main: () => Promise<unknown>): void {
  bearClosedOutputs();
  main().then(
    () => undefined,
    (error: unknown) => {
      if (error instanceof LabError) {
        process.stderr.write(`error: ${error.message}\n`);
        process.exitCode = error.kind === 'interrupted' ? exitInterrupted : exitFault;
      } else {
        process.stderr.write(
          `This is a defect of norm-direction-lab; please report it with the command you ran.\n${
            error instanceof Error ? (error.stack ?? error.message) : String(error)
          }\n`,
        );
        process.exitCode = exitDefect;
      }
    },
  );
}

/**
 * Reads the arguments of a command and does it.
 *
 * @throws LabError of kind `option` for options that npm kept for itself, since no `--` stood before them.
 */
export async function parseCommand(command: Command): Promise<void> {
  requireOwnOptions(command);
  await command.parseAsync();
}

/** What npm makes of options of ours that begin as settings of its own do. */
const ofNpm: Readonly<Record<string, string>> = { to: 'token_description' };

/**
 * `npm run x --list` gives `--list` to npm, and x runs without it. What npm was given is in the environment, as
 * `npm_config_list`, along with what a user has set for npm.
 */
function requireOwnOptions(command: Command): void {
  const script = /^npm run (\S+) --$/.exec(command.name())?.[1];
  if (script === undefined || process.env['npm_lifecycle_event'] !== script) return;
  const given = process.argv.slice(2);
  const options = [command, ...command.commands].flatMap((part) => part.options);
  const taken = new Map(
    options
      .filter(({ long }) => !given.some((word) => word.split('=')[0] === long))
      .flatMap((option) => {
        const words = takenByNpm(option);
        return words === undefined ? [] : [[option.long, words]];
      }),
  );
  if (taken.size === 0) return;
  throw optionError`npm kept options for itself, because no -- stands before them: found ${[...taken.keys()].join(', ')}. Write npm run ${script} -- ${[...taken.values()].join(' ')}`;
}

/** An option that npm was given, as it may have been typed, or undefined. */
function takenByNpm({ long, flags, negate, required, optional }: Option): string | undefined {
  const name = (long ?? '').replace(negate ? '--no-' : '--', '');
  const value = process.env[`npm_config_${ofNpm[name] ?? name.replaceAll('-', '_')}`];
  // `--no-x` is x with nothing, and before another option, where npm knows x, with `true`.
  if (negate) return value === '' ? long : undefined;
  if (value === undefined || value === '') return undefined;
  if (!required && !optional) return value === 'true' ? flags : undefined;
  // `--x value` becomes x with `true` and leaves the value among the other arguments; `--x=value` does not.
  if (value === 'true') return flags;
  // These a user sets for npm, and for the compiler of its packages.
  if (name === 'cache') return /[\\/]\d+$/.test(value) ? flags : undefined;
  return ['jobs', 'python'].includes(name) ? undefined : `${long ?? ''} ${value}`;
}

let bearing = false;

/** Output that nobody reads any more is no defect. */
function bearClosedOutputs(): void {
  if (bearing) return;
  bearing = true;
  // Whoever reads the answer has seen enough (`… --json | head`).
  process.stdout.on('error', (error) => {
    if (errorCode(error) !== 'EPIPE') throw error;
    process.exit();
  });
  // Messages that nobody reads stop no training.
  process.stderr.on('error', (error) => {
    if (errorCode(error) !== 'EPIPE') throw error;
  });
}
