import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, extname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Command } from 'commander';
import {
  type CheckPart,
  outputOf,
  type PartLimit,
  type PartResult,
  readPairSteps,
  runParts,
  stepsApart,
  type StepsRow,
  stepsSummary,
} from '../../lib/bench/gpu-check';
import type { PairSteps } from '../../lib/bench/pair-steps';
import { parseCommand, runCommand } from '../../lib/cli';
import { isFolder } from '../../lib/data/paths';
import { type EngineDescription, graphicsCards } from '../../lib/engine/describe';
import { bestDevice, deviceVariable } from '../../lib/engine/load';
import { askedPath, pathVariable } from '../../lib/engine/path';
import { type Precision, precisions } from '../../lib/engine/precision';
import { processorName } from '../../lib/engine/processor';
import { type ProgramResult, runProgram } from '../../lib/engine/program';
import { codeRevision } from '../../lib/environment';
import { engineError, fileError, interruptedError, unknownName } from '../../lib/errors';
import { requireWritable, sha256, writeAtomic } from '../../lib/files';
import { packageRoot } from '../../lib/package-root';
import { temporaryFolder } from '../../lib/processes';
import { pairName, parsePairs } from '../../lib/runs/grid';
import { interruption } from '../../lib/train/interruption';
import { paperPairs } from '../recipes/table1';
import { print, tableOf, wholeNumber } from './common';

interface GpuCheckOptions {
  readonly minutes: number;
  readonly parts?: string;
  readonly pairs: string;
  readonly output?: string;
  readonly json?: true;
}

const partNames = ['engine', 'verify', 'steps', 'bench', 'resume', 'epochs'] as const;
type PartName = (typeof partNames)[number];

const command = new Command('npm run gpu-check --')
  .description(
    'Checks what a GPU computes, in parts of which each goes on whatever becomes of those before: ' +
      'engine; verify, the reference values; steps, two steps of each pair in each precision against the CPU’s numbers; ' +
      'bench; resume, a run that is killed and goes on against one that is not; epochs, a short training. ' +
      `With ${pathVariable}=gpu a CPU takes the GPU’s path through all of it, with smaller sizes.`,
  )
  .argument(
    '[directory]',
    'reference values for verify (default: the tests’, in a clone or a bundle)',
  )
  .option('--minutes <number>', 'all that it may take', wholeNumber, 20)
  .option('--parts <names>', `just these, with commas between: ${partNames.join(', ')}`)
  .option('--pairs <list>', 'pairs of the steps', paperPairs.join(','))
  .option(
    '--output <file>',
    'the record (default: results/gpu/CARD.json; on a CPU gpu-check-cpu.json)',
  )
  .option('--json', 'the record on standard output instead of the table')
  .addHelpText(
    'after',
    `
Examples:
  npm run gpu-check
  npm run gpu-check -- --minutes 5 --parts engine,steps
  ${pathVariable}=gpu npm run gpu-check -- --parts engine,steps --pairs resnet20:resnet8`,
  )
  .showHelpAfterError('(--help shows every option)')
  .allowExcessArguments(false)
  .action(gpuCheck);

const say = (text: string): void => void process.stderr.write(`gpu-check: ${text}\n`);

async function gpuCheck(directory: string | undefined, options: GpuCheckOptions): Promise<void> {
  const names = chosenParts(options.parts);
  const pairs = parsePairs(options.pairs).map(pairName);
  if (directory !== undefined && !isFolder(directory)) {
    throw fileError`the reference values are not there (${directory}): found no such folder. Name a folder of them, or none for the tests’`;
  }
  const onGpu = askedPath() === undefined;
  const card = onGpu ? await requireCard() : undefined;
  const file = options.output ?? defaultFile(card?.name);
  requireWritable(dirname(file), '--output');
  const scratch = temporaryFolder('gpu-check');
  const { signal, release } = interruption(() => say('stopping …'));
  const startedAt = new Date().toISOString();
  try {
    const known = partsOf({ directory, pairs, scratch, onGpu });
    const parts = partNames.filter((name) => names.includes(name)).map((name) => known[name]);
    const results: PartResult[] = [];
    const record = {
      device: onGpu ? 'gpu' : 'cpu',
      ...(card === undefined ? {} : { card: card.name, driver: card.driver }),
      processor: processorName(),
      ...codeRevision(),
      startedAt,
      minutes: options.minutes,
      parts: results,
    };
    await runParts(parts, {
      seconds: 60 * options.minutes,
      signal,
      onPart: ({ name }, place, left) =>
        say(`${name} (${place + 1} of ${parts.length}), ${Math.ceil(left / 60)} min left`),
      // Written after each: a check that is killed leaves what it found.
      onResult(result) {
        const { name, state, seconds, says } = result;
        say(`${name}: ${state}, ${seconds} s: ${says}`);
        results.push(result);
        writeAtomic(file, `${JSON.stringify(record, null, 2)}\n`);
      },
    });
    print(options.json, record, `${tableText(results)}\n${file}`);
    if (signal.aborted) {
      throw interruptedError`stopped by Ctrl-C; what was found is in ${file}. Run it again for the rest`;
    }
    if (results.some(({ state }) => state === 'failed')) process.exitCode = 1;
  } finally {
    release();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function chosenParts(text: string | undefined): readonly PartName[] {
  if (text === undefined) return partNames;
  return text.split(',').map((word) => {
    const name = partNames.find((known) => known === word);
    if (name === undefined) throw unknownName('part', word, partNames, '--parts');
    return name;
  });
}

async function requireCard(): Promise<{ readonly name: string; readonly driver: string }> {
  const [card] = await graphicsCards();
  if (card === undefined) {
    throw engineError`there is no GPU to check (gpu-check): found none that nvidia-smi lists. Run it where there is one, or let this CPU take the GPU’s path with ${pathVariable}=gpu`;
  }
  if (bestDevice() !== 'gpu') {
    throw engineError`the engine would not use the GPU (gpu-check): found ${card.name}, and no engine for it or the card hidden by CUDA_VISIBLE_DEVICES. Build it with npm run engine -- --gpu`;
  }
  return card;
}

function defaultFile(card: string | undefined): string {
  if (card === undefined) return 'gpu-check-cpu.json';
  const name = card.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return join('results', 'gpu', `${name}.json`);
}

function tableText(results: readonly PartResult[]): string {
  const table = tableOf(['part', 'state', 's', 'found'], {
    colWidths: [10, 9, 8, 90],
    wordWrap: true,
  });
  for (const { name, state, seconds, says } of results) {
    table.push([name, state, seconds.toFixed(1), says]);
  }
  return table.toString();
}

interface Settings {
  readonly directory: string | undefined;
  readonly pairs: readonly string[];
  readonly scratch: string;
  readonly onGpu: boolean;
}

function partsOf(settings: Settings): Readonly<Record<PartName, CheckPart>> {
  // A CPU needs longer for the trainings, and nobody pays for it by the minute.
  const training = settings.onGpu ? 300 : 1200;
  return {
    engine: { name: 'engine', most: 180, run: checkEngine },
    verify: { name: 'verify', most: 420, run: (limit) => checkVerify(settings, limit) },
    steps: { name: 'steps', most: 420, run: (limit) => checkSteps(settings, limit) },
    bench: { name: 'bench', most: 240, run: (limit) => checkBench(settings, limit) },
    resume: { name: 'resume', most: training, run: (limit) => checkResume(settings, limit) },
    epochs: { name: 'epochs', most: training, run: (limit) => checkEpochs(settings, limit) },
  };
}

/** On the device and path that is checked. */
const checked: NodeJS.ProcessEnv = {
  ...process.env,
  ...(askedPath() === undefined ? { [deviceVariable]: 'gpu' } : {}),
};
/** A CPU as it always computes. */
const cpu: NodeJS.ProcessEnv = { ...process.env, [deviceVariable]: 'cpu', [pathVariable]: '' };

/** A command of this package in a process of its own. */
function lab(args: readonly string[], { signal }: PartLimit): Promise<ProgramResult> {
  return node([join(__dirname, '..', `main${extname(__filename)}`), ...args], checked, signal);
}

function node(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<ProgramResult> {
  // Ended at once: what it would save is thrown away.
  const ending = { signal, killSignal: 'SIGKILL' } as const;
  return runProgram(process.execPath, [...process.execArgv, ...args], { env, ...ending });
}

type Found = ReturnType<CheckPart['run']>;

/** Over the product of two 64 × 64 matrices of ones. */
const productSum = 64 ** 3;

async function checkEngine({ signal }: PartLimit): Found {
  const program = join(packageSource('engine'), `doctor-probe${extname(__filename)}`);
  const said = outputOf('the engine', await node([program], checked, signal));
  const probe = JSON.parse(said) as { engine: EngineDescription; sum: number };
  if (probe.sum !== productSum) throw new Error(`a product of ones sums up to ${probe.sum}`);
  const { engine, tensorflow, device, bfloat16, path } = probe.engine;
  const where = path === undefined ? device : `${device}, the GPU’s path`;
  return {
    says: `${engine}, TensorFlow ${String(tensorflow)} on ${where}, bfloat16 ${bfloat16}`,
    data: probe,
  };
}

/** A folder of lib, as TypeScript in a clone and as JavaScript in the package. */
function packageSource(folder: string): string {
  return join(__dirname, '..', '..', 'lib', folder);
}

/** What of the tests' reference values is checked on a CPU: networks take minutes, and docs/gpu.md tells which differ. */
const partsOnCpu = ['--parts', 'losses,detection-ops'];

async function checkVerify({ directory, onGpu }: Settings, limit: PartLimit): Found {
  const folder = directory ?? join(packageRoot(), 'test', 'fixtures', 'reference');
  if (!existsSync(folder)) {
    return { says: 'no reference values here: name a folder of them', skipped: true };
  }
  const some = onGpu || directory !== undefined ? [] : partsOnCpu;
  const ended = await lab(['verify', folder, '--json', ...some], limit);
  if (!ended.stdout.startsWith('{')) outputOf('verify', { ...ended, status: ended.status || 1 });
  const { passed, failed, cases } = JSON.parse(ended.stdout) as {
    passed: number;
    failed: number;
    cases: { passed: boolean; file: string; name: string }[];
  };
  const wrong = cases.filter((one) => !one.passed).map(({ file, name }) => `${file}: ${name}`);
  const says = `${passed} passed, ${failed} failed`;
  if (failed > 0) throw new Error(`${says}: ${wrong.join('; ')}`);
  return { says, data: { passed, failed } };
}

const stepImages = '8';

async function checkSteps({ pairs, onGpu }: Settings, { signal }: PartLimit): Found {
  const program = join(packageSource('bench'), `pair-steps${extname(__filename)}`);
  const take = async (
    what: string,
    precision: Precision,
    env: NodeJS.ProcessEnv,
  ): Promise<PairSteps[]> =>
    readPairSteps(
      outputOf(what, await node([program, precision, stepImages, ...pairs], env, signal)),
    );
  const expected = await take('the CPU’s steps', 'f32', cpu);
  const rows: StepsRow[] = [];
  for (const precision of precisions) {
    if (precision === 'tf32' && !onGpu) continue;
    const found = await take(`steps in ${precision}`, precision, checked);
    for (const [index, steps] of found.entries()) {
      const { pair, refused } = steps;
      const cpus = expected[index];
      rows.push(
        refused === undefined && cpus !== undefined
          ? { precision, pair, apart: stepsApart(steps, cpus) }
          : { precision, pair, apart: null, refused: refused ?? 'no steps on the CPU' },
      );
    }
  }
  return { says: stepsSummary(rows), data: rows };
}

async function checkBench({ onGpu }: Settings, limit: PartLimit): Found {
  const [iterations, batch] = onGpu ? ['50', '128'] : ['3', '16'];
  const times: Record<string, unknown> = {};
  const words: string[] = [];
  for (const precision of onGpu ? precisions : (['f32'] as const)) {
    const args = [
      'bench',
      '--json',
      '--precision',
      precision,
      '--iters',
      iterations,
      '--batch',
      batch,
    ];
    const found = JSON.parse(outputOf(`bench in ${precision}`, await lab(args, limit))) as {
      ms: number;
    };
    times[precision] = found;
    words.push(`${precision} ${found.ms.toFixed(1)} ms`);
  }
  return { says: `a step of ${batch} images: ${words.join(', ')}`, data: times };
}

/** A training on the embedded images: of a student after its teacher; on a CPU of the smallest network alone. */
interface ShortRun {
  readonly student: string;
  readonly method: 'student' | 'teacher';
  readonly epochs: number;
  readonly arguments: readonly string[];
}

function shortRun({ onGpu }: Settings, epochs: number): ShortRun {
  const [student, method] = ['resnet8', onGpu ? 'student' : 'teacher'] as const;
  const pair = `${onGpu ? 'resnet20' : student}:${student}`;
  const long = [onGpu ? '--epochs' : '--teacher-epochs', String(epochs)];
  const grid = ['--scale', 'quick', '--pairs', pair, '--methods', method];
  return { student, method, epochs, arguments: ['table1', ...grid, ...long] };
}

/** A run that is killed after its first epoch and goes on ends with the bytes of one that is not. */
async function checkResume(settings: Settings, limit: PartLimit): Found {
  const run = shortRun(settings, 2);
  const whole = join(settings.scratch, 'whole');
  const broken = join(settings.scratch, 'broken');
  const train = (results: string, signal = limit.signal): Promise<ProgramResult> =>
    lab([...run.arguments, '--deterministic', '--results', results], { ...limit, signal });
  outputOf('a run', await train(whole));
  const kill = new AbortController();
  const killed = train(broken, AbortSignal.any([limit.signal, kill.signal]));
  let ended = false;
  void killed.then(() => (ended = true));
  const checkpoint = /checkpoints[/\\]step-\d+\.json$/;
  const isDue = (): boolean =>
    metricsOf(run, broken) !== '' && fileOf(run, broken, checkpoint) !== '';
  while (!ended && !isDue()) await wait(50);
  kill.abort();
  await killed;
  const lines = metricsOf(run, broken).split('\n').length - 1;
  outputOf('the run that goes on', await train(broken));
  if (metricsOf(run, broken) !== metricsOf(run, whole)) {
    throw new Error('the run that was killed and went on has other metrics than one that was not');
  }
  const weights = (results: string): string =>
    sha256(readFileSync(fileOf(run, results, /weights\.safetensors$/)));
  if (weights(broken) !== weights(whole)) {
    throw new Error('the run that was killed and went on has other weights than one that was not');
  }
  return {
    says: `killed after ${lines} of ${run.epochs} epochs, gone on: the same bytes`,
    data: { lines },
  };
}

/** A file of the run below a folder of results; empty where there is none yet. */
function fileOf({ method }: ShortRun, results: string, name: RegExp): string {
  if (!existsSync(results)) return '';
  const files = readdirSync(results, { recursive: true, encoding: 'utf8' });
  const own = new RegExp(`${method}[/\\\\]seed-\\d+[/\\\\]`);
  const file = files.find((path) => own.test(path) && name.test(path));
  return file === undefined ? '' : join(results, file);
}

/** The run's metrics, a line an epoch; empty where there are none yet. */
function metricsOf(run: ShortRun, results: string): string {
  const file = fileOf(run, results, /metrics\.jsonl$/);
  return file === '' ? '' : readFileSync(file, 'utf8');
}

/** Ten classes: what guessing gives, and twice that. */
const aboveChance = 20;

async function checkEpochs(settings: Settings, limit: PartLimit): Found {
  const run = shortRun(settings, settings.onGpu ? 3 : 2);
  const results = join(settings.scratch, 'epochs');
  outputOf('a training', await lab([...run.arguments, '--results', results], limit));
  const last = metricsOf(run, results).trim().split('\n').at(-1) ?? '{}';
  const { testTop1 = NaN } = JSON.parse(last) as { testTop1?: number };
  const says = `${run.student} on the embedded images, ${run.epochs} epochs: ${testTop1.toFixed(1)} %`;
  if (!(testTop1 > aboveChance)) throw new Error(`${says}, no better than guessing`);
  return { says, data: { testTop1 } };
}

runCommand(() => parseCommand(command));
