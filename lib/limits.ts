import { fileError, optionError } from './errors';

/**
 * How much of a stranger's file is read before it is refused: a few bytes can ask for more memory or time than
 * a machine has. Far above what weights, data and results need. All of them are here, and all are raised by
 * `NORM_DIRECTION_LAB_LIMITS`, a factor.
 */
const limits = {
  /** Operations of one pickle: values, containers, memo entries. CIFAR-100's training file has 300,000. */
  pickleValues: { usual: 1_000_000, unit: 'values in a pickle' },
  /** Files in a zip archive. */
  zipEntries: { usual: 100_000, unit: 'files in a zip archive' },
  /** What the compressed files of a zip archive unpack to; PyTorch compresses none. */
  unpackedBytes: { usual: 16 * 2 ** 20, unit: 'bytes unpacked from a zip archive' },
  /** Bytes unpacked for each byte of a compressed archive; photographs and weights give less than 2. */
  unpackedRatio: { usual: 20, unit: 'bytes unpacked for each byte of an archive' },
  /** A safetensors header; a thousand tensors take 100 KB. */
  headerBytes: { usual: 8_000_000, unit: 'bytes of safetensors header' },
  /** How often the tensors of a file may tell of the same stored numbers; tied weights do so twice. */
  sharedViews: { usual: 4, unit: 'times the stored numbers in tensors' },
  /** Lists and objects within each other in JSON. */
  jsonDepth: { usual: 200, unit: 'levels of JSON' },
  /** Of one image; a camera's have up to 60 million. */
  imagePixels: { usual: 2 ** 26, unit: 'pixels' },
} as const;

type LimitName = keyof typeof limits;

/** The environment variable that multiplies every limit. */
export const limitsVariable = 'NORM_DIRECTION_LAB_LIMITS';

/**
 * A limit as it stands, raised by the environment.
 *
 * @throws LabError of kind `option` when the environment holds no factor.
 */
export function limitOf(name: LimitName): number {
  const text = process.env[limitsVariable] ?? '';
  const factor = text === '' ? 1 : Number(text);
  if (!(factor >= 1 && factor < Infinity)) {
    throw optionError`the limits on files are raised by a factor (${limitsVariable}): found '${text}'. Give a number from 1 on, such as 4`;
  }
  return limits[name].usual * factor;
}

/**
 * Refuses what is beyond a limit.
 *
 * @param allowed where the limit depends on the file; default the limit itself
 * @throws LabError of kind `file` that names the limit and how it is raised.
 */
export function requireWithin(
  name: LimitName,
  found: number,
  where: string,
  allowed = limitOf(name),
): void {
  if (found <= allowed) return;
  const factor = limitOf(name) / limits[name].usual;
  const needed = Math.max(2, Math.ceil((factor * found) / allowed));
  throw fileError`a file asks for more than is read of a file (${where}): found ${counted(found)} ${limits[name].unit}, the limit is ${counted(allowed)}. If you trust the file, raise every limit with ${limitsVariable}=${needed}`;
}

function counted(value: number): string {
  return Math.ceil(value).toLocaleString('en-US');
}
