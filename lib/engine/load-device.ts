import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { enginePlace } from './build';
import { manifestName } from './cache';
import type { EngineDevice } from './versions';
import { wheelsFor } from './versions-wheels';

/** There while the kernel module of an NVIDIA driver is loaded. */
const driverFile = '/proc/driver/nvidia/version';

/** Whether an NVIDIA driver is loaded and `CUDA_VISIBLE_DEVICES` does not hide every GPU. */
export function isGpuVisible(environment: NodeJS.ProcessEnv = process.env): boolean {
  const visible = environment['CUDA_VISIBLE_DEVICES'];
  return visible !== '' && visible !== '-1' && existsSync(driverFile);
}

/** The device where none is asked for: a GPU that is visible and whose engine was built, or the CPU. */
export function bestDevice(): EngineDevice {
  if (!isGpuVisible() || wheelsFor('gpu') === undefined) return 'cpu';
  const { root, binding } = enginePlace('gpu');
  return existsSync(join(root, binding, manifestName)) ? 'gpu' : 'cpu';
}
