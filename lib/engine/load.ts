import { LabError } from '../errors';
import { buildEngine } from './build';
import type { OnEngineProgress } from './build-progress';
import { engineProgressPrinter } from './build-progress';
import type { EngineDescription, EngineKind } from './describe';
import { loadBinding } from './load-binding';
import { bestDevice } from './load-device';
import { chooseEngine, deviceVariable, engineVariable } from './load-options';
import type { EngineChoice } from './load-options';
import { usePlainBackend } from './load-plain';
import type { EngineDevice } from './versions';

export interface StartOptions {
  /** `native` fails where TensorFlow cannot run; unset, the plain engine steps in and says so. */
  readonly engine?: EngineKind;
  readonly device?: EngineDevice;
  /** Hears about a build; unless given, progress is printed on standard error. */
  readonly onProgress?: OnEngineProgress;
}

let started: Promise<EngineDescription> | undefined;

/**
 * Makes TensorFlow.js compute: on TensorFlow itself (built into the user's cache on first use), or
 * where that cannot be had on TensorFlow.js' own backend, after one message on standard error.
 * May be called again: the engine starts once for the process.
 * `NORM_DIRECTION_LAB_ENGINE` (native, plain) and `NORM_DIRECTION_LAB_DEVICE` (cpu, gpu) stand in
 * for options that are not given.
 *
 * @throws LabError of kind `option` for a bad value or a second call that asks for another engine;
 *   of kind `engine` or `file` when `native` or a GPU was asked for and cannot be used.
 */
export async function startEngine(options: StartOptions = {}): Promise<EngineDescription> {
  const choice = chooseEngine(options);
  if (started !== undefined) {
    const running = await started;
    requireSame(running, choice);
    return running;
  }
  started = start(choice, options.onProgress);
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
  onProgress: OnEngineProgress = engineProgressPrinter(),
): Promise<EngineDescription> {
  if (choice.engine === 'plain') return usePlainBackend();
  const device = choice.device ?? bestDevice();
  try {
    const engine = await buildEngine({ device, onProgress });
    return await loadBinding(engine);
  } catch (error) {
    const mustBeNative = choice.engine === 'native' || device === 'gpu';
    if (mustBeNative || !(error instanceof LabError)) throw error;
    process.stderr.write(
      `warning: ${error.message}. Going on with TensorFlow.js' own CPU backend, which is many times slower (${engineVariable}=plain asks for it without this message).\n`,
    );
    return usePlainBackend();
  }
}

function requireSame(running: EngineDescription, { engine, device }: EngineChoice): void {
  if (
    (engine ?? running.engine) === running.engine &&
    (device ?? running.device) === running.device
  ) {
    return;
  }
  throw new LabError({
    kind: 'option',
    what: `engine ${engine ?? running.engine} on ${device ?? running.device} cannot be started any more`,
    found: `engine ${running.engine} on ${running.device}, started before in this process`,
    remedy: `Name the engine at the first call of startEngine, or by ${engineVariable} and ${deviceVariable}, in a new process`,
  });
}
