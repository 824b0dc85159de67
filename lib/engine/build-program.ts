import { spawn } from 'node:child_process';

/** How another program ended and what it printed. `status` is null when it could not be started. */
export interface ProgramResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Milliseconds after which the program is ended. */
  readonly timeout?: number;
}

/** Runs a program to its end without a shell; never throws. */
export function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const { timeout, ...others } = options;
    const child = spawn(command, args, { ...others, stdio: ['ignore', 'pipe', 'pipe'] });
    // Node's own time-out goes on counting, and keeps the process alive, when the start fails.
    const timer = timeout === undefined ? undefined : setTimeout(() => child.kill(), timeout);
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk));
    const end = (status: number | null, note = ''): void => {
      clearTimeout(timer);
      resolve({
        status,
        stdout: Buffer.concat(stdout).toString('utf8'),
        stderr: Buffer.concat(stderr).toString('utf8') + note,
      });
    };
    child.on('error', (error) => {
      end(null, error.message);
    });
    child.on('close', (code, signal) => {
      end(code ?? 1, signal === null ? '' : `ended by ${signal}`);
    });
  });
}

/** The last lines of a program's error output, on one line, for an error message. */
export function lastLines(text: string, count = 6): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .slice(-count)
    .join(' | ');
}
