import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { z } from 'zod';
import { enginePlace, type EnginePlace } from './engine/build';
import { cacheRoot, folderBytes, isComplete } from './engine/cache';
import {
  type BFloat16Support,
  bfloat16Supports,
  type ConvolutionPass,
  convolutionPasses,
  graphicsCards,
} from './engine/describe';
import { hostCudaInWords, linkHostCuda } from './engine/host-cuda';
import {
  bestDevice,
  chooseEngine,
  deviceVariable,
  engineServing,
  engineVariable,
  missingGpu,
} from './engine/load';
import {
  findCompiler,
  findNodeHeaders,
  findPip,
  findPython,
  type FoundTool,
  lastLines,
  runProgram,
  toolRemedies,
} from './engine/program';
import {
  type EngineDevice,
  engineDevices,
  spaceNeeded,
  tensorflowVersion,
} from './engine/versions';
import { LabError } from './errors';
import { freeBytes, gigabytes } from './files';
import { jupyterFolder } from './notebook/kernel';
import { installedJupyterLab, ownJupyterLab } from './notebook/lab';

/** The oldest Node that runs this package. */
const oldestNode: readonly [number, number] = [20, 19];

/** Node itself. */
export function checkNode(version: string = process.versions.node): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldestNode;
  const isNewEnough = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  return isNewEnough
    ? { name: 'Node', state: 'ok', detail: version }
    : {
        name: 'Node',
        state: 'fault',
        detail: `${version}, older than ${oldestNode.join('.')}`,
        fix: 'Install Node 20.19 or later: nvm install 22, or from nodejs.org',
      };
}

/** Node and what building the engine needs; the latter are only warnings once it is built. */
async function checkTools(engineBuilt: boolean): Promise<readonly Check[]> {
  const [python, compiler] = await Promise.all([findPython(), findCompiler()]);
  const pip = python === undefined ? undefined : await findPip(python.name);
  const tool = (name: string, found: FoundTool | undefined, mend: string): Check => {
    if (found !== undefined) return { name, state: 'ok', detail: found.detail };
    const state = engineBuilt ? 'warning' : 'fault';
    const use = engineBuilt ? 'not needed while the engine is built' : 'needed to build the engine';
    return { name, state, detail: `not found; ${use}`, fix: mend };
  };
  return [
    checkNode(),
    tool('Python 3', python, toolRemedies.python),
    tool('pip', pip, toolRemedies.pip),
    tool('C++ compiler', compiler, toolRemedies.compiler),
    tool("Node's headers", findNodeHeaders(), toolRemedies.nodeHeaders),
  ];
}

/** Loading 850 MB of libraries from a slow disk takes its time. */
const patience = 120_000;

const probeSchema = z.object({
  engine: z.object({
    tensorflow: z.string(),
    device: z.enum(engineDevices),
    bfloat16: z.enum(bfloat16Supports),
    threads: z.number(),
    winograd: z.array(z.enum(convolutionPasses)).optional(),
  }),
  sum: z.number(),
});

/** What the probe printed, or in words why it did not. */
type ProbeOutcome =
  | { readonly ran: true; readonly seconds: number; readonly probe: z.infer<typeof probeSchema> }
  | { readonly ran: false; readonly reason: string };

/** Loads the built engine and computes in a process of its own, whose crash is survived. */
async function runProbe(device: EngineDevice): Promise<ProbeOutcome> {
  const startedAt = Date.now();
  const kind = extname(__filename);
  // From sources the child needs the loader that this process got from its command line.
  const loader = kind === '.ts' ? ['--require', require.resolve('./typescript.cjs')] : [];
  const { status, stdout, stderr } = await runProgram(
    process.execPath,
    [...loader, join(__dirname, 'engine', `doctor-probe${kind}`)],
    { timeout: patience, env: { ...process.env, [deviceVariable]: device } },
  );
  const reason = lastLines(stderr, 2) || `ended with status ${String(status)}`;
  if (status !== 0) return { ran: false, reason };
  try {
    const printed: unknown = JSON.parse(stdout);
    const seconds = (Date.now() - startedAt) / 1000;
    return { ran: true, seconds, probe: probeSchema.parse(printed) };
  } catch {
    return { ran: false, reason: `printed ${lastLines(stdout, 1) || 'nothing'}` };
  }
}

/** Sum over the product of two 64 × 64 matrices of ones. */
const expectedSum = 64 ** 3;

/** Everything about the engine, and whether it is built. */
async function checkEngine(): Promise<{ built: boolean; checks: readonly Check[] }> {
  let device: EngineDevice;
  let serving: EngineDevice;
  let place: EnginePlace;
  const checks: Check[] = [];
  try {
    const choice = chooseEngine({});
    device = choice.device ?? bestDevice();
    serving = engineServing(device);
    place = enginePlace(serving);
    if (choice.engine === 'plain') checks.push(plainIsChosen);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    // Without a wheel for the machine, all goes on slowly; a wrong setting stops every command.
    const state = error.kind === 'engine' ? 'warning' : 'fault';
    return {
      built: false,
      checks: [{ name: 'engine', state, detail: error.problem, fix: error.fix }],
    };
  }
  const command = serving === 'gpu' ? 'npm run engine -- --gpu' : 'npm run engine';
  const folders = [place.libraries, place.binding].map((name) => join(place.root, name));
  const built = (await Promise.all(folders.map((folder) => isComplete(folder)))).every(Boolean);
  checks.push(
    built
      ? {
          name: 'engine',
          state: 'ok',
          detail: `built${serving === device ? '' : ' for a GPU, serves the processor'}, in ${place.root}`,
        }
      : {
          name: 'engine',
          state: 'warning',
          detail: 'not built yet; the first command that computes builds it',
          fix: command,
        },
  );
  const cuda = built && serving === 'gpu' ? [checkCuda(folders[0] ?? '')] : [];
  checks.push(...cuda);
  const missing = device === 'gpu' ? missingGpu() : undefined;
  // Without a GPU its engine is tried on the processor, where no other would compute there.
  const tried = missing === undefined ? device : 'cpu';
  // Without its libraries it cannot be loaded, which is said already.
  const loads = cuda.every(({ state }) => state === 'ok');
  if (built && loads && engineServing(tried) === serving) {
    checks.push(...(await checkRunning(tried, `${command}${forceFlag(command)}`)));
  }
  checks.push(
    await checkGraphics(device, missing),
    checkSpace(built ? 0 : spaceNeeded(place.wheels)),
  );
  return { built, checks };
}

/** Where CUDA's libraries are from: the engine's own, or the host's where it was packed without. */
function checkCuda(libraries: string): Check {
  const name = 'CUDA';
  try {
    linkHostCuda(libraries);
    const own = `the engine's own libraries, in ${join(libraries, 'nvidia')}`;
    return { name, state: 'ok', detail: hostCudaInWords(libraries) ?? own };
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    return { name, state: 'fault', detail: error.problem, fix: error.fix };
  }
}

const plainIsChosen: Check = {
  name: 'engine chosen',
  state: 'warning',
  detail: `plain, by ${engineVariable}: many times slower`,
  fix: `unset ${engineVariable}`,
};

function forceFlag(command: string): string {
  return command.includes(' -- ') ? ' --force' : ' -- --force';
}

async function checkRunning(device: EngineDevice, mend: string): Promise<readonly Check[]> {
  const name = 'engine computes';
  const outcome = await runProbe(device);
  if (!outcome.ran) return [{ name, state: 'fault', detail: outcome.reason, fix: mend }];
  const { engine, sum } = outcome.probe;
  if (sum !== expectedSum) {
    const detail = `a matrix product is wrong: ${String(sum)}, not ${String(expectedSum)}`;
    return [{ name, state: 'fault', detail, fix: mend }];
  }
  const version = engine.tensorflow;
  return [
    { name, state: 'ok', detail: `loaded and multiplied in ${outcome.seconds.toFixed(1)} s` },
    version === tensorflowVersion
      ? { name: 'TensorFlow', state: 'ok', detail: version }
      : {
          name: 'TensorFlow',
          state: 'fault',
          detail: `${version}, not the pinned ${tensorflowVersion}`,
          fix: mend,
        },
    { name: 'device', state: 'ok', detail: `${engine.device}, ${String(engine.threads)} threads` },
    {
      name: 'bfloat16',
      state: 'ok',
      detail: bfloat16InWords[engine.bfloat16],
    },
    ...(engine.winograd
      ? [{ name: 'convolutions', state: 'ok', detail: winogradInWords(engine.winograd) } as const]
      : []),
  ];
}

const bfloat16InWords: Readonly<Record<BFloat16Support, string>> = {
  accelerated: 'has instructions of its own here',
  emulated: 'works, but without instructions of its own: not faster than float32',
  unknown: 'works; whether faster than float32, nvidia-smi does not say',
  none: 'none on this engine',
};

/** Of 3 × 3 kernels without a stride in float32; measured at the engine's first use on this processor. */
function winogradInWords(passes: readonly ConvolutionPass[]): string {
  const own = passes.length === 0 ? 'none' : passes.join(', ');
  return `3 × 3 by Winograd's products, as measured here: ${own}`;
}

async function checkGraphics(device: EngineDevice, missing?: LabError): Promise<Check> {
  const name = 'GPU';
  if (missing !== undefined) {
    return { name, state: 'fault', detail: missing.problem, fix: missing.fix };
  }
  const cards = await graphicsCards();
  const found = cards.map((card) => `${card.name} (driver ${card.driver})`).join(', ');
  if (cards.length === 0) {
    return device === 'cpu'
      ? { name, state: 'ok', detail: 'no NVIDIA driver: the CPU computes' }
      : {
          name,
          state: 'fault',
          detail: 'asked for, but nvidia-smi lists none',
          fix: 'nvidia-smi',
        };
  }
  return device === 'gpu'
    ? { name, state: 'ok', detail: found }
    : { name, state: 'warning', detail: `${found}: not used`, fix: 'npm run engine -- --gpu' };
}

/** `needed` is in bytes. */
function checkSpace(needed: number): Check {
  const name = 'cache';
  const root = cacheRoot();
  const free = freeBytes(root);
  const detail = `${root}: ${gigabytes(folderBytes(root))} used, ${gigabytes(free)} free`;
  return free >= needed
    ? { name, state: 'ok', detail }
    : {
        name,
        state: 'fault',
        detail: `${detail}; the engine needs ${gigabytes(needed)} while it is built`,
        fix: 'Free some space, or name another place with NORM_DIRECTION_LAB_CACHE',
      };
}

/** What notebooks need: the tslab package, and JupyterLab to open them in. */
async function checkNotebooks(): Promise<readonly Check[]> {
  // The package goes without them.
  if (!existsSync(jupyterFolder())) return [];
  return [checkKernelPackage(), await checkJupyterLab()];
}

function checkKernelPackage(): Check {
  const name = 'notebook kernel (tslab)';
  try {
    return { name, state: 'ok', detail: require.resolve('tslab/package.json') };
  } catch {
    return { name, state: 'warning', detail: 'not installed', fix: 'npm ci' };
  }
}

async function checkJupyterLab(): Promise<Check> {
  const name = 'JupyterLab';
  const installed = await installedJupyterLab();
  if (installed?.drawsPlots === true) {
    return { name, state: 'ok', detail: `${installed.version} of ${installed.python}` };
  }
  const own = await ownJupyterLab();
  if (own !== null) return { name, state: 'ok', detail: `${own.version}, set up in the cache` };
  const detail =
    installed === null
      ? 'not set up; npm run notebooks does without'
      : `${installed.version} of ${installed.python} draws no plots`;
  return { name, state: 'warning', detail, fix: 'npm run lab -- --setup-only' };
}

/** The state of one thing the laboratory uses. */
export interface Check {
  readonly name: string;
  /** A `warning` is something optional or mended by itself; a `fault` needs the reader. */
  readonly state: 'ok' | 'warning' | 'fault';
  /** What was found, in one line. */
  readonly detail: string;
  /** The command or choice that mends it. */
  readonly fix?: string;
}

/** Looks at Node, the tools of the build, the engine and the notebooks' kernel; never throws. */
export async function diagnose(): Promise<readonly Check[]> {
  const engine = await checkEngine();
  const [tools, notebooks] = await Promise.all([checkTools(engine.built), checkNotebooks()]);
  return [...tools, ...engine.checks, ...notebooks];
}
