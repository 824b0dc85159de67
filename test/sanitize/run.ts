import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { runCommand } from '../../lib/cli';
import { type BuiltEngine, buildEngine, engineProgressPrinter } from '../../lib/engine/build';
import { compileOperations } from '../../lib/engine/build-compile';
import { loadBinding } from '../../lib/engine/load-binding';
import { lastLines, requireBuildTools, runProgram } from '../../lib/engine/program';
import { engineError, numericsError } from '../../lib/errors';
import { wholeNumber } from '../../reproduce/commands/common';
import { typeScriptArguments } from '../support/child';
import { compareShapes, inWords } from './shapes';

interface SanitizeOptions {
  readonly cases: number;
  readonly seed: number;
  /** The sanitized operations: of the process that computes. */
  readonly operations?: string;
}

/** Numbers of threads that share the cases. */
const threadCounts = [1, 2, 4];

const flags = [
  ...['-O1', '-g', '-fno-omit-frame-pointer'],
  ...['-fsanitize=address,undefined', '-fno-sanitize-recover=all'],
  // With these TensorFlow's headers do not compile: gcc takes addresses of functions for possibly null then.
  '-fno-sanitize=null,nonnull-attribute,returns-nonnull-attribute',
];

const command = new Command('npm run sanitize --')
  .description(
    'Compiles the C++ operations with AddressSanitizer and UndefinedBehaviorSanitizer and compares what they give for random shapes, strides, paddings, number types and thread counts with TensorFlow’s own. Exit status 1 when a number differs or a sanitizer reports.',
  )
  .option('--cases <number>', 'shapes', wholeNumber, 5000)
  .option('--seed <number>', 'of the shapes', wholeNumber, 1)
  .option('--operations <file>', 'compute here, with operations that were compiled before')
  .allowExcessArguments(false)
  .action(sanitize);

async function sanitize({ cases, seed, operations }: SanitizeOptions): Promise<void> {
  const engine = await buildEngine({ device: 'cpu', onProgress: engineProgressPrinter() });
  if (operations !== undefined) return compute({ ...engine, operations }, cases, seed);
  // Beside the libraries, which it finds by a path relative to itself.
  const folder = mkdtempSync(join(engine.libraries, '..', 'sanitize-'));
  try {
    const file = join(folder, 'operations.node');
    process.stderr.write('compiling the operations with sanitizers (some minutes) …\n');
    const tools = await requireBuildTools();
    await compileOperations(tools, 'cpu', engine.libraries, file, flags);
    const preloaded = await Promise.all(
      ['libasan.so', 'libstdc++.so.6'].map((name) => libraryOf(tools.compiler, name)),
    );
    for (const [index, threads] of threadCounts.entries()) {
      const share = Math.ceil(cases / threadCounts.length);
      await inProcessOfItsOwn(file, { cases: share, seed: seed + index }, threads, preloaded);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function libraryOf(compiler: string, name: string): Promise<string> {
  const { stdout } = await runProgram(compiler, [`-print-file-name=${name}`]);
  return stdout.trim();
}

async function inProcessOfItsOwn(
  file: string,
  { cases, seed }: SanitizeOptions,
  threads: number,
  preloaded: readonly string[],
): Promise<void> {
  const words = ['--operations', file, '--cases', String(cases), '--seed', String(seed)];
  const { status, stdout, stderr } = await runProgram(
    process.execPath,
    typeScriptArguments(__filename, ...words),
    {
      env: {
        ...process.env,
        LD_PRELOAD: preloaded.join(':'),
        // Node and TensorFlow keep memory to their end.
        ASAN_OPTIONS: 'detect_leaks=0:halt_on_error=1',
        UBSAN_OPTIONS: 'print_stacktrace=1',
        TF_NUM_INTRAOP_THREADS: String(threads),
        OMP_NUM_THREADS: String(threads),
      },
    },
  );
  process.stdout.write(`${threads} threads, ${cases} shapes:\n${stdout}`);
  if (status === 0) return;
  throw engineError`the operations fail under sanitizers (npm run sanitize): found ${reportIn(stderr) || `status ${String(status)}`}. Mend the operation that is named`;
}

/** A sanitizer's report from its first line, as far as it names where it happened. */
function reportIn(stderr: string): string {
  const lines = stderr.split('\n');
  const first = lines.findIndex((line) => /ERROR: \w+Sanitizer|: runtime error: /.test(line));
  return first < 0 ? lastLines(stderr) : lastLines(lines.slice(first, first + 12).join('\n'), 12);
}

async function compute(engine: BuiltEngine, cases: number, seed: number): Promise<void> {
  await loadBinding(engine);
  const result = compareShapes({ cases, seed });
  process.stdout.write(`${inWords(result)}\n`);
  if (result.failures.length === 0) return;
  throw numericsError`operations give other numbers than TensorFlow’s: found ${result.failures.length}. Mend the operation that is named`;
}

runCommand(() => command.parseAsync());
