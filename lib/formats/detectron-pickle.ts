import { fileError, type LabError, shown } from '../errors';
import { requireWithin } from '../limits';
import { type StateDict, type StateEntry, storedEntry } from './state-dict';
import { type NumberType, numberTypes } from './numbers';
import { isNumpyArray, type NumpyArray, numpyGlobals } from './numpy-pickle';
import { unpickle } from './pickle';

/** The weights in a `.pkl` of detectron2's model zoo or of Caffe2. */
interface DetectronPickle {
  readonly weights: StateDict;
  /** `detectron2`: the model's own names; `caffe2`: names such as `res2_0_branch2a_w`. */
  readonly names: 'detectron2' | 'caffe2';
}

/**
 * Decodes a `.pkl` with a detector's or a backbone's weights: a dict with `model` and `__author__` as
 * detectron2 writes it (under Caffe2's names where that is the author), or Caffe2's dict of blobs, with or
 * without `blobs` around it. Nothing in the pickle is run.
 *
 * @throws LabError of kind `file` when the pickle is damaged, names code or holds something else.
 */
export function decodeDetectronPickle(bytes: Uint8Array, where: string): DetectronPickle {
  const remedy = 'Get the file again, or name a .pkl of detectron2’s model zoo';
  const { value } = unpickle(bytes, {
    globals: numpyGlobals(where, bytes.byteLength),
    where,
    fix: remedy,
  });
  const broken = (found: string): LabError =>
    fileError`not a .pkl with weights of detectron2 (${where}): found ${found}. ${remedy}`;
  if (!(value instanceof Map)) throw broken('a pickle that is not a dict');
  const own = value.has('model') && value.has('__author__');
  const blobs: unknown = own ? value.get('model') : (value.get('blobs') ?? value);
  if (!(blobs instanceof Map)) throw broken(`'${own ? 'model' : 'blobs'}' that is not a dict`);
  const weights = new Map<string, StateEntry>();
  let viewed = 0;
  for (const [name, entry] of blobs as Map<unknown, unknown>) {
    if (typeof name !== 'string') throw broken('a name that is not text');
    // Caffe2 keeps the optimiser's momentum and notes of its own beside the weights.
    if (!own && (name.endsWith('_momentum') || !isNumpyArray(entry))) continue;
    if (!isNumpyArray(entry)) throw broken(`'${shown(name)}', which is not an array`);
    viewed += entry.bytes.byteLength;
    weights.set(name, floats(entry, name, broken));
  }
  if (weights.size === 0) throw broken('no array');
  requireWithin('sharedViews', viewed / bytes.byteLength, where);
  // detectron2 keeps Caffe2's names of a converted file, and says so in the author.
  const converted = own && value.get('__author__') === 'Caffe2';
  return { weights, names: own && !converted ? 'detectron2' : 'caffe2' };
}

/** By numpy's names. */
const types: ReadonlyMap<string, NumberType> = new Map([
  ['f2', numberTypes.F16],
  ['f4', numberTypes.F32],
  ['f8', numberTypes.F64],
  ['i4', numberTypes.I32],
  ['i8', numberTypes.I64],
]);

function floats(
  { shape, type, fortran, bytes }: NumpyArray,
  name: string,
  broken: (found: string) => LabError,
): StateEntry {
  const reader = types.get(type);
  if (reader === undefined) throw broken(`'${shown(name)}' with elements of type ${type}`);
  if (fortran && shape.length > 1) throw broken(`'${shown(name)}', stored column by column`);
  return storedEntry(shape, { bytes, type: reader, offset: 0 });
}
