import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { engineError, LabError, optionError, unknownName } from '../errors';
import {
  buildEngine,
  type BuiltEngine,
  enginePlace,
  engineProgressPrinter,
  type OnEngineProgress,
} from './build';
import { manifestName } from './cache';
import { type EngineDescription, type EngineKind, engineKinds, engineThreads } from './describe';
import { loadBinding, type Numerics } from './load-binding';
import { askedPath } from './path';
import { type EngineDevice, engineDevices, wheelsFor } from './versions';

/** What was asked for; a part left open is undefined. */
interface EngineChoice {
  readonly engine: EngineKind | undefined;
  readonly device: EngineDevice | undefined;
}

export const engineVariable = 'NORM_DIRECTION_LAB_ENGINE';
export const deviceVariable = 'NORM_DIRECTION_LAB_DEVICE';

/**
 * The engine asked for, from options or else from the environment.
 *
 * @throws LabError of kind `option` for an unknown value, or for a GPU on the plain engine.
 */
export function chooseEngine(
  options: { readonly engine?: EngineKind; readonly device?: EngineDevice },
  environment: NodeJS.ProcessEnv = process.env,
): EngineChoice {
  const engine = options.engine ?? oneOf('engine', engineKinds, engineVariable, environment);
  const device = options.device ?? oneOf('device', engineDevices, deviceVariable, environment);
  // Before anything is built for it.
  askedPath(environment);
  if (engine === 'plain' && device === 'gpu') {
    throw optionError`the plain engine cannot use a GPU. Ask for the native engine (${engineVariable}=native) or for the CPU (${deviceVariable}=cpu)`;
  }
  return { engine, device };
}

function oneOf<Value extends string>(
  what: string,
  known: readonly Value[],
  variable: string,
  environment: NodeJS.ProcessEnv,
): Value | undefined {
  const given = environment[variable];
  if (given === undefined || given === '') return undefined;
  const value = known.find((name) => name === given);
  if (value === undefined) throw unknownName(what, given, known, variable);
  return value;
}

/** Computes on TensorFlow.js' own CPU backend, without its advice to install another package. */
async function usePlainBackend(): Promise<EngineDescription> {
  const production = tf.env().getBool('PROD');
  // The backend prints its advice at the first tensor, unless TensorFlow.js' warnings are off.
  tf.env().set('PROD', true);
  try {
    await tf.setBackend('cpu');
    tf.scalar(0).dispose();
  } finally {
    tf.env().set('PROD', production);
  }
  return {
    engine: 'plain',
    backend: 'cpu',
    tensorflow: null,
    device: 'cpu',
    gpu: false,
    bfloat16: 'none',
    threads: engineThreads('plain'),
  };
}

/**
 * There while the kernel module of an NVIDIA driver is loaded; in containers without /proc of their own; under Windows.
 */
const driverFiles = ['proc/driver/nvidia/version', 'dev/nvidiactl', 'dev/dxg'];

/**
 * Why no GPU can be computed on; undefined where there is one.
 *
 * @param root of the file system
 */
export function missingGpu(root = '/'): LabError | undefined {
  const visible = process.env['CUDA_VISIBLE_DEVICES'];
  const hidden = visible === '' || visible === '-1';
  if (!hidden && driverFiles.some((file) => existsSync(join(root, file)))) return undefined;
  return engineError`a GPU was asked for and there is none (${deviceVariable}=gpu, --gpus): found ${hidden ? `CUDA_VISIBLE_DEVICES=${visible}` : 'no driver of NVIDIA'}. Load the driver (nvidia-smi shows it), or compute on the processor with ${deviceVariable}=cpu`;
}

function isBuilt(device: EngineDevice): boolean {
  if (wheelsFor(device) === undefined) return false;
  const { root, binding } = enginePlace(device);
  return existsSync(join(root, binding, manifestName));
}

/** Whose engine computes on a device: where only that for a GPU is built, as in a bundle, a CPU takes it. */
export function engineServing(device: EngineDevice): EngineDevice {
  return isBuilt('cpu') || !isBuilt('gpu') ? device : 'gpu';
}

async function engineFor(device: EngineDevice, onProgress: OnEngineProgress): Promise<BuiltEngine> {
  const serving = engineServing(device);
  // A CPU that takes the engine for a GPU does not see the GPUs.
  if (serving !== device) process.env['CUDA_VISIBLE_DEVICES'] = '-1';
  return { ...(await buildEngine({ device: serving, onProgress })), device };
}

/**
 * The device where none is asked for: a GPU that is visible and whose engine was built, or the CPU.
 *
 * @param root of the file system
 */
export function bestDevice(root = '/'): EngineDevice {
  return missingGpu(root) === undefined && isBuilt('gpu') ? 'gpu' : 'cpu';
}

/** What to compute on; what fits the machine unless given. */
export interface StartOptions extends Numerics {
  /** `native` fails where TensorFlow cannot run; unset, the plain engine steps in and says so. */
  readonly engine?: EngineKind;
  readonly device?: EngineDevice;
  /** Hears about a build; unless given, progress is printed on standard error. */
  readonly onProgress?: OnEngineProgress;
}

let started: Promise<EngineDescription> | undefined;
let startedWith: Numerics = {};

/**
 * Makes TensorFlow.js compute: on TensorFlow itself (built into the user's cache on first use), or
 * where that cannot be had on TensorFlow.js' own backend, after one message on standard error.
 * May be called again: the engine starts once for the process.
 * `NORM_DIRECTION_LAB_ENGINE` (native, plain) and `NORM_DIRECTION_LAB_DEVICE` (cpu, gpu) stand in
 * for options that are not given; `NORM_DIRECTION_LAB_PATH` (gpu) is for tests (`path.ts`).
 *
 * @throws LabError of kind `option` for a bad value or a second call that asks for another engine;
 *   of kind `engine` or `file` when `native` or a GPU was asked for and cannot be used.
 */
export async function startEngine(options: StartOptions = {}): Promise<EngineDescription> {
  const choice = chooseEngine(options);
  if (started !== undefined) {
    const running = await started;
    requireSame(running, choice);
    requireSameNumerics(running, options);
    return running;
  }
  startedWith = options;
  started = start(choice, options, options.onProgress);
  try {
    return await started;
  } catch (error) {
    // What failed may be mended and tried again in the same process, in a notebook say.
    started = undefined;
    throw error;
  }
}

async function start(
  choice: EngineChoice,
  numerics: Numerics,
  onProgress: OnEngineProgress = engineProgressPrinter(),
): Promise<EngineDescription> {
  if (choice.engine === 'plain') return usePlainBackend();
  const device = choice.device ?? bestDevice();
  // Before 3 GB are fetched for it.
  const missing = device === 'gpu' ? missingGpu() : undefined;
  if (missing !== undefined) throw missing;
  try {
    return await loadBinding(await engineFor(device, onProgress), numerics);
  } catch (error) {
    const mustBeNative = choice.engine === 'native' || device === 'gpu';
    if (mustBeNative || !(error instanceof LabError)) throw error;
    process.stderr.write(
      `warning: ${error.message}. Going on with TensorFlow.js' own CPU backend, which is many times slower (${engineVariable}=plain asks for it without this message).\n`,
    );
    return usePlainBackend();
  }
}

function requireSame(
  running: EngineDescription,
  { engine = running.engine, device = running.device }: EngineChoice,
): void {
  if (engine === running.engine && device === running.device) return;
  throw optionError`engine ${engine} on ${device} cannot be started any more: found engine ${running.engine} on ${running.device}, started before in this process. Name the engine at the first call of startEngine, or by ${engineVariable} and ${deviceVariable}, in a new process`;
}

/** A CPU knows none of them. */
function requireSameNumerics({ gpu }: EngineDescription, options: Numerics): void {
  for (const name of ['tf32', 'deterministic'] as const) {
    const [wanted, running = false] = [options[name], startedWith[name]];
    if (!gpu || wanted === undefined || wanted === running) continue;
    throw optionError`a GPU that computes cannot change its numbers any more (${name}): found ${String(running)}, set before in this process. Set it at the first call of startEngine, in a new process`;
  }
}
