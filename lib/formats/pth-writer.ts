import { zipSync, type Zippable } from 'fflate';
import { LabError } from '../errors';
import type { StateDict } from '../nn/state';
import { PickleWriter } from './pickle/writer';
import { storedForm, type StoredTensor } from './stored-tensor';

/** The folder within the archive; PyTorch takes whatever it is called. */
const folder = 'archive';
/** The version of the form that `torch.save` writes since 1.6. */
const formVersion = '3\n';
/** The earliest date that a zip archive knows: equal weights shall give equal bytes. */
const noDate = new Date(1980, 0, 1);
/** An archive beyond this would need the wide form of zip (Zip64), which is not written here. */
const largestArchive = 2 ** 32 - 1;

/**
 * The bytes of a state dict as `torch.save(model.state_dict(), file)` writes it: a zip archive with a
 * pickle of an `OrderedDict` of tensors and the numbers of each beside it. `torch.load` opens it with
 * `weights_only=True`. Float32, batch norm's counters int64; equal weights give equal bytes.
 *
 * @throws LabError of kind `file` for weights of 4 GiB or more.
 */
export function encodePth(tensors: StateDict): Uint8Array {
  const stored = [...tensors].map(([name, entry]) => storedForm(name, entry));
  const total = stored.reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
  if (total >= largestArchive) {
    throw new LabError({
      kind: 'file',
      what: 'these weights are too many for a .pth',
      found: `${total} bytes`,
      remedy: 'Write a .safetensors',
    });
  }
  const files: Zippable = {
    [`${folder}/data.pkl`]: pickledStateDict(stored),
    [`${folder}/byteorder`]: Buffer.from('little'),
  };
  stored.forEach(({ bytes }, key) => {
    files[`${folder}/data/${key}`] = bytes;
  });
  files[`${folder}/version`] = Buffer.from(formVersion);
  return zipSync(files, { level: 0, mtime: noDate });
}

/** The state dict in the words of `torch._utils._rebuild_tensor_v2(storage, offset, size, stride, …)`. */
function pickledStateDict(tensors: readonly StoredTensor[]): Uint8Array {
  const pickle = new PickleWriter();
  const emptyDictionary = (): void => pickle.call('collections', 'OrderedDict', () => undefined);
  emptyDictionary();
  pickle.items(() => {
    tensors.forEach(({ name, dtype, shape }, key) => {
      pickle.text(name);
      pickle.call('torch._utils', '_rebuild_tensor_v2', () => {
        pickle.persistent(() => {
          pickle.text('storage');
          pickle.global('torch', dtype === 'I64' ? 'LongStorage' : 'FloatStorage');
          pickle.text(String(key));
          pickle.text('cpu');
          pickle.integer(sizeOf(shape));
        });
        pickle.integer(0);
        pickle.integers(shape);
        pickle.integers(shape.map((_, axis) => sizeOf(shape.slice(axis + 1))));
        pickle.false();
        // No hooks run when gradients pass through a saved tensor.
        emptyDictionary();
      });
    });
  });
  return pickle.end();
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, side) => product * side, 1);
}
