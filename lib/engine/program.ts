import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { engineError, type LabError } from '../errors';

/** How another program ended and what it printed. `status` is null when it could not be started. */
export interface ProgramResult {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface ProgramOptions {
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  /** Milliseconds after which the program is ended. */
  readonly timeout?: number;
  /** Aborting it ends the program. */
  readonly signal?: AbortSignal;
  /** By which it is ended then. */
  readonly killSignal?: NodeJS.Signals;
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

/** What compiling the binding needs from the machine. */
export interface BuildTools {
  /** Python with a working pip, e.g. `python3`. */
  readonly python: string;
  readonly compiler: string;
  /** Folder of `node_api.h`. */
  readonly nodeHeaders: string;
}

/** A program or folder that was found, with its version or place in words. */
export interface FoundTool {
  readonly name: string;
  readonly detail: string;
}

/** The command that installs each missing thing, on the two common families of Linux. */
export const toolRemedies = {
  python:
    'Install Python 3: sudo apt-get install python3 python3-pip (Fedora: sudo dnf install python3 python3-pip)',
  pip: 'Install pip: sudo apt-get install python3-pip (Fedora: sudo dnf install python3-pip), or python3 -m ensurepip',
  compiler: 'Install a C++ compiler: sudo apt-get install g++ (Fedora: sudo dnf install gcc-c++)',
  nodeHeaders:
    'Install the headers of this Node: sudo apt-get install libnode-dev (Fedora: sudo dnf install nodejs-devel), or take Node from nodejs.org or nvm, which bring them; headers elsewhere: npm_config_nodedir=FOLDER',
} as const;

/** Looks for Python 3. */
export async function findPython(): Promise<FoundTool | undefined> {
  for (const name of ['python3', 'python']) {
    const { status, stdout, stderr } = await runProgram(name, ['--version']);
    const version = `${stdout}${stderr}`.trim();
    if (status === 0 && version.startsWith('Python 3')) return { name, detail: version };
  }
  return undefined;
}

/** Looks for pip in the given Python. */
export async function findPip(python: string): Promise<FoundTool | undefined> {
  const { status, stdout } = await runProgram(python, ['-m', 'pip', '--version']);
  const version = /^pip \S+/.exec(stdout)?.[0];
  return status === 0 && version !== undefined
    ? { name: `${python} -m pip`, detail: version }
    : undefined;
}

/** Looks for a C++ compiler: `$CXX`, else g++, c++ or clang++. */
export async function findCompiler(
  environment: NodeJS.ProcessEnv = process.env,
): Promise<FoundTool | undefined> {
  const named = environment['CXX'];
  for (const name of named === undefined || named === '' ? ['g++', 'c++', 'clang++'] : [named]) {
    const { status, stdout } = await runProgram(name, ['--version']);
    if (status === 0) return { name, detail: stdout.split('\n')[0]?.trim() ?? name };
  }
  return undefined;
}

/**
 * Looks for Node's own C headers: beside the running `node` (its installer, nvm and distributions
 * put them there), in npm's `nodedir`, or where node-gyp keeps those it fetched.
 */
export function findNodeHeaders(
  environment: NodeJS.ProcessEnv = process.env,
  executable: string = process.execPath,
): FoundTool | undefined {
  const roots = [
    environment['npm_config_nodedir'],
    dirname(dirname(executable)),
    join(homedir(), '.cache', 'node-gyp', process.version.slice(1)),
  ];
  const folder = roots
    .filter((root): root is string => root !== undefined && root !== '')
    .map((root) => join(root, 'include', 'node'))
    .find((candidate) => existsSync(join(candidate, 'node_api.h')));
  return folder === undefined ? undefined : { name: folder, detail: folder };
}

/**
 * Everything the build needs, checked before anything is fetched.
 *
 * @throws LabError of kind `engine` that names each missing thing and how to install it.
 */
export async function requireBuildTools(): Promise<BuildTools> {
  const [python, compiler] = await Promise.all([findPython(), findCompiler()]);
  const pip = python === undefined ? undefined : await findPip(python.name);
  const nodeHeaders = findNodeHeaders();
  if (python && pip && compiler && nodeHeaders) {
    return { python: python.name, compiler: compiler.name, nodeHeaders: nodeHeaders.name };
  }
  const pipOf = python && { what: `pip (${python.name} -m pip)`, remedy: toolRemedies.pip };
  const missing = [
    python ? undefined : { what: 'Python 3', remedy: toolRemedies.python },
    pip ? undefined : pipOf,
    compiler ? undefined : { what: 'a C++ compiler (g++)', remedy: toolRemedies.compiler },
    nodeHeaders
      ? undefined
      : { what: `Node's C headers (node_api.h)`, remedy: toolRemedies.nodeHeaders },
  ].filter((item) => item !== undefined);
  throw engineError`the TensorFlow engine cannot be built without ${missing.map(({ what }) => what).join(' and ')}. ${missing.map(({ remedy }) => remedy).join('. ')}`;
}

/** The error of a program that failed, with the end of what it said. */
export function programFault(what: string, command: string, stderr: string, fix: string): LabError {
  return engineError`${what} (${command}): found ${lastLines(stderr) || 'no message'}. ${fix}`;
}
