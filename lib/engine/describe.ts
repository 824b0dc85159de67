import { availableParallelism } from 'node:os';
import { runProgram } from './program';
import type { EngineDevice } from './versions';

/** A GPU as NVIDIA's driver names it. */
interface GraphicsCard {
  readonly name: string;
  /** CUDA's compute capability, e.g. 9.0. */
  readonly computeCapability: number;
  readonly driver: string;
  /** As `nvidia-smi -L` gives it. */
  readonly uuid: string;
}

/** Compute capability from which a GPU multiplies bfloat16 by itself (Ampere). */
const bfloat16From = 8;

/** The GPUs that `nvidia-smi` lists; none where there is no driver. */
export async function graphicsCards(): Promise<readonly GraphicsCard[]> {
  const { status, stdout } = await runProgram('nvidia-smi', [
    '--query-gpu=name,compute_cap,driver_version,uuid',
    '--format=csv,noheader',
  ]);
  return status === 0 ? parseGraphicsCards(stdout) : [];
}

/** Reads `name, capability, driver, uuid` lines. */
export function parseGraphicsCards(text: string): readonly GraphicsCard[] {
  return text.split('\n').flatMap((line) => {
    const [name, capability, driver, uuid] = line.split(',').map((part) => part.trim());
    return name === undefined ||
      capability === undefined ||
      driver === undefined ||
      uuid === undefined
      ? []
      : [{ name, computeCapability: Number(capability), driver, uuid }];
  });
}

/** Support of bfloat16 by the weakest of the GPUs that `CUDA_VISIBLE_DEVICES` leaves; unknown where none is listed. */
export function bfloat16Of(
  cards: readonly GraphicsCard[],
  visible = process.env['CUDA_VISIBLE_DEVICES'],
): BFloat16Support {
  const named = visible?.split(',').map((word) => {
    const name = word.trim();
    return cards.find(({ uuid }, at) => name === String(at) || uuid.startsWith(name));
  });
  // Parts of cards (MIG) have names of their own.
  const used = named?.every((card) => card !== undefined) ? named : cards;
  if (used.length === 0) return 'unknown';
  return used.every(({ computeCapability }) => computeCapability >= bfloat16From)
    ? 'accelerated'
    : 'emulated';
}

/** What `startEngine` was asked for or found best. */
export type EngineKind = (typeof engineKinds)[number];
export const engineKinds = ['native', 'plain'] as const;

/** Whether bfloat16 has instructions of its own here, works without them, works and nothing tells which, or not at all. */
export type BFloat16Support = (typeof bfloat16Supports)[number];
export const bfloat16Supports = ['accelerated', 'emulated', 'unknown', 'none'] as const;

/**
 * What is computed of a convolution: its result, and its gradients by the input and by the weights; in float32, and in
 * bfloat16 as far as Winograd's products compute it.
 */
export const convolutionPasses = [
  'forward',
  'input',
  'weights',
  'forward in bf16',
  'input in bf16',
] as const;
export type ConvolutionPass = (typeof convolutionPasses)[number];

/** The engine that computes, as it is recorded with every result. */
export interface EngineDescription {
  readonly engine: EngineKind;
  /** Name of the TensorFlow.js backend: `tensorflow` or `cpu`. */
  readonly backend: string;
  /** Version of the TensorFlow that the native engine runs on. */
  readonly tensorflow: string | null;
  readonly device: EngineDevice;
  readonly gpu: boolean;
  /** Where a CPU takes the GPU's path; missing where the device says which. */
  readonly path?: 'gpu';
  /** Where a GPU was asked for equal bytes at every run; a CPU gives them anyway. */
  readonly deterministic?: true;
  readonly bfloat16: BFloat16Support;
  /** Threads that one operation may use. */
  readonly threads: number;
  /** Passes of 3 × 3 convolutions that Winograd's products compute; missing where they cannot. */
  readonly winograd?: readonly ConvolutionPass[];
}

/** Threads for one operation: `TF_NUM_INTRAOP_THREADS` where set, else the processors allowed. */
export function engineThreads(
  kind: EngineKind,
  environment: NodeJS.ProcessEnv = process.env,
): number {
  if (kind === 'plain') return 1;
  const chosen = Number(environment['TF_NUM_INTRAOP_THREADS'] ?? 0);
  return Number.isInteger(chosen) && chosen > 0 ? chosen : availableParallelism();
}
