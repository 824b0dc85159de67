import { readFileSync } from 'node:fs';
import { availableParallelism, cpus } from 'node:os';
import { sha256 } from '../files';
import { runProgram } from './program';
import type { EngineDevice } from './versions';

/** A GPU as NVIDIA's driver names it. */
interface GraphicsCard {
  readonly name: string;
  /** CUDA's compute capability, e.g. 9.0. */
  readonly computeCapability: number;
  readonly driver: string;
}

/** Compute capability from which a GPU multiplies bfloat16 by itself (Ampere). */
const bfloat16From = 8;

/** The GPUs that `nvidia-smi` lists; none where there is no driver. */
export async function graphicsCards(): Promise<readonly GraphicsCard[]> {
  const { status, stdout } = await runProgram('nvidia-smi', [
    '--query-gpu=name,compute_cap,driver_version',
    '--format=csv,noheader',
  ]);
  return status === 0 ? parseGraphicsCards(stdout) : [];
}

/** Reads `name, capability, driver` lines. */
export function parseGraphicsCards(text: string): readonly GraphicsCard[] {
  return text.split('\n').flatMap((line) => {
    const [name, capability, driver] = line.split(',').map((part) => part.trim());
    return name === undefined || capability === undefined || driver === undefined
      ? []
      : [{ name, computeCapability: Number(capability), driver }];
  });
}

/** Support of bfloat16 by the weakest GPU of the machine. */
export async function graphicsBFloat16(): Promise<BFloat16Support> {
  const cards = await graphicsCards();
  return cards.length > 0 && cards.every((card) => card.computeCapability >= bfloat16From)
    ? 'accelerated'
    : 'emulated';
}

/** What `startEngine` was asked for or found best. */
export type EngineKind = (typeof engineKinds)[number];
export const engineKinds = ['native', 'plain'] as const;

/** Whether bfloat16 has instructions of its own here, works without them, or not at all. */
export type BFloat16Support = (typeof bfloat16Supports)[number];
export const bfloat16Supports = ['accelerated', 'emulated', 'none'] as const;

/** What is computed of a convolution: its result, and its gradients by the input and by the weights. */
export const convolutionPasses = ['forward', 'input', 'weights'] as const;
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

/** Support of bfloat16 by a processor, from the `flags` of Linux' `/proc/cpuinfo`. */
export function processorBFloat16(cpuinfo: string | undefined = readCpuinfo()): BFloat16Support {
  if (cpuinfo === undefined) return 'emulated';
  return /^(flags|Features)\s*:.*\b(avx512_bf16|avx_vnni_bf16|amx_bf16|bf16)\b/m.test(cpuinfo)
    ? 'accelerated'
    : 'emulated';
}

/** False on an x64 processor (or virtual machine) without AVX, on which TensorFlow ends the process. */
export function canRunTensorflow(cpuinfo: string | undefined = readCpuinfo()): boolean {
  const flags = /^flags\s*:(.*)$/m.exec(cpuinfo ?? '')?.[1];
  return flags === undefined || flags.split(' ').includes('avx');
}

/** What tells processors apart whose kernels may round differently: the model, often only a family's, and what it can. */
export function processorKind(cpuinfo: string | undefined = readCpuinfo()): string {
  const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(cpuinfo ?? '')?.[1] ?? '';
  return `${cpus()[0]?.model ?? process.arch}, ${sha256(flags).slice(0, 12)}`;
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

function readCpuinfo(): string | undefined {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return undefined;
  }
}
