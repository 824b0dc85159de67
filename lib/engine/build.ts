import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { engineError, fileError } from '../errors';
import { freeBytes, gigabytes } from '../files';
import {
  bindingName,
  compileBinding,
  compileInputs,
  imagesName,
  operationsName,
  quietName,
} from './build-compile';
import { cached, cacheKey, cacheRoot, folderBytes } from './cache';
import { linkHostCuda } from './host-cuda';
import { type BuildTools, requireBuildTools } from './program';
import { type StepProgress, stepPrinter, type TextStream } from './progress';
import {
  bindingVersion,
  type EngineDevice,
  spaceNeeded,
  tensorflowVersion,
  type WheelPin,
  wheelsFor,
} from './versions';
import { extractWheel, fetchWheel } from './wheel';

/** What the building of the engine is doing; `done` and `total` are bytes where they are known. */
interface EngineProgress extends StepProgress {
  readonly phase: 'wait' | 'download' | 'unpack' | 'compile' | 'done';
}

export type OnEngineProgress = (progress: EngineProgress) => void;

const megabyte = 1e6;

/** Tells on standard error how a build goes on. */
export function engineProgressPrinter(stream: TextStream = process.stderr): OnEngineProgress {
  const amount = '{value}/{total} MB';
  return stepPrinter({ name: 'engine', amount, unit: megabyte, inWords: describeBytes }, stream);
}

function describeBytes({ done, total }: StepProgress, elapsed: number): string {
  // Before the first hundredth any guess of the time left is wild.
  if (done === undefined || total === undefined || done < total / 100) return '';
  const left = Math.max(0, Math.round((elapsed / 1000) * (total / done - 1)));
  const amount = `${(done / megabyte).toFixed(0)} of ${(total / megabyte).toFixed(0)} MB`;
  return `: ${amount}${done < total ? `, ${String(left)} s left` : ', checking it'}`;
}

/** A finished engine in the cache. */
export interface BuiltEngine {
  readonly device: EngineDevice;
  /** The compiled binding, a Node add-on. */
  readonly binding: string;
  /** The add-on that keeps the loading of the binding quiet. */
  readonly quiet: string;
  /** The add-on with this package's own operations. */
  readonly operations: string;
  /** The add-on that decodes images. */
  readonly images: string;
  /** Folder of TensorFlow's shared libraries (and CUDA's, for a GPU). */
  readonly libraries: string;
  /** False when it was there already. */
  readonly built: boolean;
  /** Seconds spent on each of the two steps, nearly 0 when it was there already. */
  readonly seconds: { readonly libraries: number; readonly binding: number };
}

export interface BuildOptions {
  readonly device?: EngineDevice;
  /** Build again although a complete engine is there. */
  readonly force?: boolean;
  readonly onProgress?: OnEngineProgress;
  /** Where to build; the user's cache unless given. */
  readonly root?: string;
}

/** Where the engine of a device lies in the cache. */
export interface EnginePlace {
  readonly root: string;
  readonly wheels: readonly WheelPin[];
  /** Names of the two entries: TensorFlow's libraries, and the binding. */
  readonly libraries: string;
  readonly binding: string;
}

/** TensorFlow's headers, as far as this package includes them, its libraries, and CUDA's. */
const wantedFiles = new RegExp(
  [
    String.raw`^tensorflow/libtensorflow_(cc|framework)\.so\.2$`,
    '^tensorflow/include/(Eigen|absl|google/protobuf|ml_dtypes|tsl|unsupported/Eigen|xla/tsl)/.+',
    '^tensorflow/include/tensorflow/(c|core/(framework|lib|platform|protobuf|util))/.+',
    String.raw`^nvidia/[^/]+/lib/.+\.so[.\d]*$`,
    '^nvidia/cuda_nvcc/(bin|nvvm)/.+',
  ].join('|'),
);

/**
 * Makes sure that the native engine is in the cache and returns its place: fetches TensorFlow's
 * hash-checked wheel through pip, unpacks its libraries and compiles the binding of
 * `@tensorflow/tfjs-node-gpu` against them. Instant when it is there already.
 *
 * @throws LabError of kind `engine` when the machine lacks a tool, has no wheel, or a step fails;
 *   of kind `file` when the cache cannot be written or the disk is full.
 */
export async function buildEngine(options: BuildOptions = {}): Promise<BuiltEngine> {
  const { device = 'cpu', force = false, onProgress = () => undefined } = options;
  const place = enginePlace(device, options.root);
  const onWait = (): void => {
    const message = 'another process is building it, or was ended a moment ago; waiting';
    onProgress({ phase: 'wait', message });
  };
  const { root } = place;
  let tools: Promise<BuildTools> | undefined;
  const startedAt = Date.now();
  const libraries = await cached(
    {
      root,
      name: place.libraries,
      make: async (folder) => {
        // The compiler is looked for before the download: it would be needed after it.
        const { python } = await (tools ??= requireBuildTools());
        await makeLibraries(place, python, folder, onProgress);
      },
    },
    { force, onWait },
  );
  if (device === 'gpu') {
    const taken = linkHostCuda(libraries.folder);
    if (taken !== undefined) onProgress({ phase: 'done', message: taken });
  }
  const librariesAt = Date.now();
  const binding = await cached(
    {
      root,
      name: place.binding,
      make: async (folder) => {
        onProgress({ phase: 'compile', message: 'compiling the binding (about a minute)' });
        const found = await (tools ??= requireBuildTools());
        await compileBinding(found, device, libraries.folder, folder);
      },
    },
    { force, onWait },
  );
  const seconds = {
    libraries: (librariesAt - startedAt) / 1000,
    binding: (Date.now() - librariesAt) / 1000,
  };
  const built = libraries.made || binding.made;
  if (built) {
    const total = (seconds.libraries + seconds.binding).toFixed(0);
    const message = `TensorFlow ${tensorflowVersion} ready after ${total} s`;
    onProgress({ phase: 'done', message });
  }
  return {
    device,
    binding: join(binding.folder, bindingName),
    quiet: join(binding.folder, quietName),
    operations: join(binding.folder, operationsName),
    images: join(binding.folder, imagesName),
    libraries: libraries.folder,
    built,
    seconds,
  };
}

/**
 * Where the engine of a device lies in the cache: TensorFlow's libraries by the hashes of their
 * wheels, the binding by those and everything that it is compiled from.
 *
 * @throws LabError of kind `engine` on a machine without a TensorFlow wheel.
 */
export function enginePlace(device: EngineDevice, root = join(cacheRoot(), 'engine')): EnginePlace {
  const wheels = wheelsFor(device);
  if (wheels === undefined) {
    throw engineError`there is no TensorFlow ${tensorflowVersion} wheel for a ${device} on this machine: found ${process.platform} on ${process.arch}. Use Linux on x64 or arm64 (a GPU: x64), or NORM_DIRECTION_LAB_ENGINE=plain (slow)`;
  }
  const label = `${device}-${process.arch}`;
  const libraries = cacheKey({
    ...Object.fromEntries(wheels.map((pin) => [`${pin.distribution} ${pin.version}`, pin.sha256])),
    files: wantedFiles.source,
  });
  const binding = cacheKey({ libraries, ...compileInputs(device) });
  return {
    root,
    wheels,
    libraries: `tensorflow-${tensorflowVersion}-${label}-${libraries}`,
    binding: `binding-${bindingVersion}-${label}-${binding}`,
  };
}

async function makeLibraries(
  place: EnginePlace,
  python: string,
  folder: string,
  onProgress: OnEngineProgress,
): Promise<void> {
  const { wheels } = place;
  const downloads = join(place.root, `downloads-${place.libraries}`);
  await mkdir(downloads, { recursive: true });
  requireSpace(place.root, spaceNeeded(wheels) - folderBytes(downloads));
  for (const [index, pin] of wheels.entries()) {
    const count = wheels.length === 1 ? '' : ` (${String(index + 1)} of ${String(wheels.length)})`;
    const name = `${pin.distribution} ${pin.version}${count}`;
    const report = (phase: 'download' | 'unpack', total: number) => (done: number) => {
      const message = `${phase === 'download' ? 'fetching' : 'unpacking'} ${name}`;
      onProgress({ phase, message, done, total });
    };
    const fetched = report('download', pin.bytes);
    fetched(0);
    const wheel = await fetchWheel(pin, python, downloads, fetched);
    const unpacked = report('unpack', pin.unpackedBytes);
    unpacked(0);
    await extractWheel(wheel, folder, (file) => wantedFiles.test(file), unpacked);
  }
  await rm(downloads, { recursive: true, force: true });
}

function requireSpace(root: string, needed: number): void {
  const free = freeBytes(root);
  if (free >= needed) return;
  throw fileError`the engine needs ${gigabytes(needed)} of free space to be built (${root}): found ${gigabytes(free)}. Free some space there, or name another place with NORM_DIRECTION_LAB_CACHE`;
}
