import { graphicsCards } from '../engine/describe-gpu';
import { bestDevice } from '../engine/load-device';
import { chooseEngine } from '../engine/load-options';
import { LabError } from '../errors';

/** How many processes run, and the GPU that each one sees; no GPUs where they run on the CPU. */
export interface JobPlan {
  readonly jobs: number;
  readonly gpus: readonly string[];
}

export interface JobChoice {
  /** Undefined where the user did not say. */
  readonly jobs: number | undefined;
  readonly gpus: readonly string[] | undefined;
}

/**
 * One process a GPU: as many as there are GPUs given, or one. Where several are asked for on a machine
 * with GPUs, each gets its own.
 *
 * @throws LabError of kind `option` for more processes than GPUs.
 */
export async function planJobs(
  { jobs, gpus }: JobChoice,
  visible: () => Promise<readonly string[]> = visibleGpus,
): Promise<JobPlan> {
  if (gpus === undefined && (jobs ?? 1) === 1) return { jobs: 1, gpus: [] };
  const known = gpus ?? (await visible());
  const count = jobs ?? known.length;
  if (known.length > 0 && count > known.length) {
    throw new LabError({
      kind: 'option',
      what: 'each job needs a GPU of its own',
      where: '--jobs',
      found: `${count} jobs, ${known.length} GPUs (${known.join(', ')})`,
      remedy: `Ask for --jobs ${known.length} at most, or for the CPU with NORM_DIRECTION_LAB_DEVICE=cpu`,
    });
  }
  return { jobs: count, gpus: known.slice(0, count) };
}

/**
 * Reads `0,1,2`, or the identifiers that `nvidia-smi -L` gives.
 *
 * @throws LabError of kind `option` for an empty or repeated one.
 */
export function parseGpus(text: string): string[] {
  const gpus = text.split(',').map((word) => word.trim());
  const isName = (word: string): boolean => /^(\d+|(GPU|MIG)-[\w/-]+)$/.test(word);
  if (gpus.every(isName) && new Set(gpus).size === gpus.length) return gpus;
  throw new LabError({
    kind: 'option',
    what: 'a list of different GPUs with commas between them is needed',
    where: '--gpus',
    found: `'${text}'`,
    remedy: 'Write 0,1,2 (nvidia-smi -L lists them)',
  });
}

/** The GPUs that the engine would use: those that CUDA_VISIBLE_DEVICES leaves, or all of the machine. */
async function visibleGpus(): Promise<readonly string[]> {
  const { engine, device = bestDevice() } = chooseEngine({});
  if (device !== 'gpu' || engine === 'plain') return [];
  const named = process.env['CUDA_VISIBLE_DEVICES'];
  if (named !== undefined) return parseGpus(named);
  return (await graphicsCards()).map((_, index) => String(index));
}
