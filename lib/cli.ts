import { LabError } from './errors';
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
