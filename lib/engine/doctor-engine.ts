import { statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { LabError } from '../errors';
import { enginePlace } from './build';
import type { EnginePlace } from './build';
import { cacheRoot, folderBytes, isComplete } from './cache';
import { graphicsCards } from './describe-gpu';
import type { Check } from './doctor';
import { runProbe } from './doctor-probe-run';
import { bestDevice } from './load-device';
import { chooseEngine, engineVariable } from './load-options';
import type { EngineDevice } from './versions';
import { tensorflowVersion } from './versions';
import { spaceNeeded } from './versions-wheels';

/** Sum over the product of two 64 × 64 matrices of ones. */
const expectedSum = 64 ** 3;

/** Everything about the engine, and whether it is built. */
export async function checkEngine(): Promise<{ built: boolean; checks: readonly Check[] }> {
  let device: EngineDevice;
  let place: EnginePlace;
  const checks: Check[] = [];
  try {
    const choice = chooseEngine({});
    device = choice.device ?? bestDevice();
    place = enginePlace(device);
    if (choice.engine === 'plain') checks.push(plainIsChosen);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    const { what, found, remedy } = error.fault;
    // Without a wheel for the machine, all goes on slowly; a wrong setting stops every command.
    const state = error.fault.kind === 'engine' ? 'warning' : 'fault';
    const detail = found === undefined ? what : `${what}: ${found}`;
    return { built: false, checks: [{ name: 'engine', state, detail, mend: remedy }] };
  }
  const command = device === 'gpu' ? 'npm run engine -- --gpu' : 'npm run engine';
  const folders = [place.libraries, place.binding].map((name) => join(place.root, name));
  const built = (await Promise.all(folders.map((folder) => isComplete(folder)))).every(Boolean);
  checks.push(
    built
      ? { name: 'engine', state: 'ok', detail: `built, in ${place.root}` }
      : {
          name: 'engine',
          state: 'warning',
          detail: 'not built yet; the first command that computes builds it',
          mend: command,
        },
  );
  if (built) checks.push(...(await checkRunning(device, `${command}${forceFlag(command)}`)));
  checks.push(await checkGraphics(device), checkSpace(built ? 0 : spaceNeeded(place.wheels)));
  return { built, checks };
}

const plainIsChosen: Check = {
  name: 'engine chosen',
  state: 'warning',
  detail: `plain, by ${engineVariable}: many times slower`,
  mend: `unset ${engineVariable}`,
};

function forceFlag(command: string): string {
  return command.includes(' -- ') ? ' --force' : ' -- --force';
}

async function checkRunning(device: EngineDevice, mend: string): Promise<readonly Check[]> {
  const name = 'engine computes';
  const outcome = await runProbe(device);
  if (!outcome.ran) return [{ name, state: 'fault', detail: outcome.reason, mend }];
  const { engine, sum } = outcome.probe;
  if (sum !== expectedSum) {
    const detail = `a matrix product is wrong: ${String(sum)}, not ${String(expectedSum)}`;
    return [{ name, state: 'fault', detail, mend }];
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
          mend,
        },
    { name: 'device', state: 'ok', detail: `${engine.device}, ${String(engine.threads)} threads` },
    {
      name: 'bfloat16',
      state: 'ok',
      detail:
        engine.bfloat16 === 'accelerated'
          ? 'has instructions of its own here'
          : 'works, but without instructions of its own: not faster than float32',
    },
  ];
}

async function checkGraphics(device: EngineDevice): Promise<Check> {
  const name = 'GPU';
  const cards = await graphicsCards();
  const found = cards.map((card) => `${card.name} (driver ${card.driver})`).join(', ');
  if (cards.length === 0) {
    return device === 'cpu'
      ? { name, state: 'ok', detail: 'no NVIDIA driver: the CPU computes' }
      : {
          name,
          state: 'fault',
          detail: 'asked for, but nvidia-smi lists none',
          mend: 'nvidia-smi',
        };
  }
  return device === 'gpu'
    ? { name, state: 'ok', detail: found }
    : { name, state: 'warning', detail: `${found}: not used`, mend: 'npm run engine -- --gpu' };
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
        mend: 'Free some space, or name another place with NORM_DIRECTION_LAB_CACHE',
      };
}

/** Free space where a folder is or would be made. */
function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch (error) {
    if (dirname(folder) === folder) throw error;
    return freeBytes(dirname(folder));
  }
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(1)} GB`;
}
