import { join } from 'node:path';
import { z } from 'zod';
import { LabError } from '../errors';
import { packageRoot } from '../package-root';
import { startPython } from './python-lines';

export interface TorchLoaderOptions {
  /** A Python that has PyTorch and torchvision. */
  readonly python: string;
  /** The image folder. */
  readonly data: string;
  readonly size: number;
  readonly batch: number;
  readonly workers: number;
  /** How many images a pass has. */
  readonly images: number;
}

const greetingSchema = z.object({ torch: z.string(), torchvision: z.string() });
const faultSchema = z.object({ error: z.literal('no torchvision'), detail: z.string() });
const passSchema = z.object({ images: z.number(), seconds: z.number(), memoryMiB: z.number() });

/** PyTorch's DataLoader over torchvision's ImageFolder, running. */
export interface TorchLoader {
  /** `PyTorch 2.9.1, torchvision 0.24.1`. */
  readonly version: string;
  /** Loads every image once; the memory is that of all its processes. */
  readonly pass: () => Promise<z.infer<typeof passSchema>>;
  readonly stop: () => void;
}

/**
 * Starts a DataLoader in a process of its own.
 *
 * @throws LabError of kind `option` when Python or torchvision is not there, `engine` when it fails.
 */
export async function startTorchLoader({
  python,
  ...settings
}: TorchLoaderOptions): Promise<TorchLoader> {
  const script = join(packageRoot(), 'lib', 'bench', 'torch_loader.py');
  const given = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const loader = startPython(python, [script, ...given], 'loading images in PyTorch');
  try {
    const greeting = await loader.next(z.union([faultSchema, greetingSchema]));
    if ('error' in greeting) throw noTorchvision(python, greeting.detail);
    return {
      version: `PyTorch ${greeting.torch}, torchvision ${greeting.torchvision}`,
      pass() {
        loader.write('pass');
        return loader.next(passSchema);
      },
      stop: loader.stop,
    };
  } catch (error) {
    loader.stop();
    throw error;
  }
}

function noTorchvision(python: string, found: string): LabError {
  return new LabError({
    kind: 'option',
    what: 'this Python has no torchvision',
    where: `--torch ${python}`,
    found,
    remedy: `Install it (${python} -m pip install torch torchvision), or give another Python`,
  });
}
