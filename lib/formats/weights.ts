import { readBytes } from '../files';
import { fileError, type LabError } from '../errors';
import type { StateDict } from './state-dict';
import { decodePth, isZip } from './pth';
import { decodeSafetensors } from './safetensors';
import { requireNotedBytes } from './sha256sum';

/** First byte of a pickle of protocol 2 and later. */
const pickleMark = 0x80;
/** `{`, the first byte of a safetensors header. */
const headerStart = 0x7b;

/**
 * A model's weights from a `.pth` of PyTorch (new and old form) or a `.safetensors`, told apart by what
 * is in them and not by their names. No code of a file is run.
 *
 * What damage is noticed: all of it in a `.pth` of the new (zip) form, which has checksums, and in a
 * `.safetensors` of this package, which has a hash. The old form of `.pth` and a `.safetensors` of others
 * have none: there a flipped bit among the numbers is a wrong weight and nobody can tell, unless
 * `FILE.sha256` lies beside it, as `sha256sum` writes it and `npm run data -- cifar-teachers` does.
 *
 * @throws LabError of kind `file` when it is missing, broken, not what was noted, or something else.
 */
export async function readWeights(path: string): Promise<StateDict> {
  const bytes = readBytes(path, (found) => unreadable(path, found));
  requireNotedBytes(path, bytes);
  // The length of a safetensors header, below 4 GiB, may begin with the bytes of any of the others.
  const isSafetensors = bytes[8] === headerStart && bytes.readUInt32LE(4) === 0;
  if (!isSafetensors) {
    const start = bytes.subarray(0, 64).toString('latin1').trimStart();
    if (start.startsWith('<')) {
      throw unreadable(path, 'a web page, as servers give in place of a file that has moved');
    }
    if (isZip(bytes) || bytes[0] === pickleMark) return decodePth(bytes, path);
  }
  return decodeSafetensors(bytes, path).tensors;
}

function unreadable(path: string, found: string): LabError {
  return fileError`weights cannot be read (${path}): found ${found}. Name a .pth or .safetensors file with the weights of the model`;
}
