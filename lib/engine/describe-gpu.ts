import { runProgram } from './build-program';
import type { BFloat16Support } from './describe';

/** A GPU as NVIDIA's driver names it. */
export interface GraphicsCard {
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
