import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { sha256 } from '../files';
import type { BFloat16Support } from './describe';

/** What a processor computes many numbers at once with, the widest first, by Linux' flags. */
const vectorInstructions = [
  ['avx512f', 'AVX512'],
  ['avx2', 'AVX2'],
  ['avx', 'AVX'],
  ['asimd', 'NEON'],
] as const;
const bfloat16Flags = ['avx512_bf16', 'avx_vnni_bf16', 'amx_bf16', 'bf16'];

/**
 * The processor in words: `AMD EPYC (2 cores, AVX512, bfloat16)`. The model alone is often a family's, whose
 * members differ in their instructions.
 *
 * @param cpuinfo Linux' `/proc/cpuinfo`
 */
export function processorName(cpuinfo?: string): string {
  const flags = processorFlags(cpuinfo);
  const vector = vectorInstructions.find(([flag]) => flags.has(flag))?.[1];
  const words = [
    `${cpus().length} cores`,
    ...(vector === undefined ? [] : [vector]),
    ...(hasBFloat16(flags) ? ['bfloat16'] : []),
  ];
  return `${processorModel()} (${words.join(', ')})`;
}

/** What tells processors apart whose kernels may round differently: the model, often only a family's, and what it can. */
export function processorKind(cpuinfo?: string): string {
  const flags = [...processorFlags(cpuinfo)].join(' ');
  return `${processorModel()}, ${sha256(flags).slice(0, 12)}`;
}

/** Support of bfloat16 by a processor. */
export function processorBFloat16(cpuinfo?: string): BFloat16Support {
  return hasBFloat16(processorFlags(cpuinfo)) ? 'accelerated' : 'emulated';
}

/** False on an x64 processor (or virtual machine) without AVX, on which TensorFlow ends the process. */
export function canRunTensorflow(cpuinfo?: string): boolean {
  const flags = processorFlags(cpuinfo);
  return flags.size === 0 || flags.has('avx') || flags.has('asimd');
}

function processorModel(): string {
  return cpus()[0]?.model.trim() ?? process.arch;
}

function hasBFloat16(flags: ReadonlySet<string>): boolean {
  return bfloat16Flags.some((flag) => flags.has(flag));
}

/** Linux' words for what the processor can do; none on other systems. */
function processorFlags(cpuinfo: string = readCpuinfo()): ReadonlySet<string> {
  const line = /^(?:flags|Features)\s*:(.*)$/m.exec(cpuinfo)?.[1] ?? '';
  return new Set(line.match(/\S+/g));
}

function readCpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return '';
  }
}
