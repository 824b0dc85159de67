import { join } from 'node:path';
import {
  cifarImageBytes,
  cifarSide,
  type CifarExpectation,
  type CifarTarget,
} from '../formats/cifar';
import { decodeCifarBinary, decodeCifarNames } from '../formats/cifar-binary';
import { decodeCifarMeta, decodeCifarPython } from '../formats/cifar-python';
import { assembleDataset, type DecodedImages } from './assemble';
import {
  locateCifar,
  missingCifar,
  readCifarFiles,
  type CifarFilesRead,
  type CifarSource,
} from './cifar-source';
import { recordsPerFile, type CifarSpec } from './cifar-specs';
import { requireFixedSize } from './image-size';
import type { LoadContext } from './source';
import type { ImageDataset, ImageSplit } from './types';

/**
 * Loads CIFAR-10 or CIFAR-100 from an unpacked folder or an archive, in the binary or the python form.
 * Both forms of the same images give the same data set.
 *
 * @throws LabError of kind `data` or `file` naming the file that is missing, cut off or wrong.
 */
export async function loadCifar(
  spec: CifarSpec,
  { dataDir, imageSize, subset, onProgress }: LoadContext,
): Promise<ImageDataset> {
  requireFixedSize(spec.name, cifarSide, imageSize);
  const source = locateCifar(spec, dataDir);
  if (source === undefined) throw missingCifar(spec, dataDir);
  const total = spec.trainCount + spec.testCount;
  const message = `reading ${spec.name}`;
  onProgress?.({ message, unit: 'images', done: 0, total });
  const decoded = decodeCifar(spec, source, await readCifarFiles(spec, source));
  onProgress?.({ message, unit: 'images', done: total, total });
  return assembleDataset(spec.name, decoded, { subset, known: spec.statistics });
}

function decodeCifar(
  spec: CifarSpec,
  { path }: CifarSource,
  { form, files }: CifarFilesRead,
): DecodedImages {
  const { classCount } = spec;
  const namesFile = spec[form].names;
  const names = files.get(namesFile) ?? new Uint8Array();
  const where = join(path, namesFile);
  const classes =
    form === 'binary'
      ? decodeCifarNames(names, classCount, where)
      : decodeCifarMeta(names, spec.python.namesKey, classCount, where);

  const decodeFile = (bytes: Uint8Array, expected: CifarExpectation, target: CifarTarget): void => {
    if (form === 'binary') decodeCifarBinary(bytes, spec.binary.layout, expected, target);
    else decodeCifarPython(bytes, spec.python.labelKey, expected, target);
  };
  const decodeSplit = (split: 'train' | 'test'): ImageSplit => {
    const count = split === 'train' ? spec.trainCount : spec.testCount;
    const records = recordsPerFile(spec, form, split);
    const images = new Uint8Array(count * cifarImageBytes);
    const labels = new Int32Array(count);
    spec[form][split].forEach((name, index) => {
      const expected = { records, classCount, where: join(path, name) };
      const target = { images, labels, start: index * records };
      decodeFile(files.get(name) ?? new Uint8Array(), expected, target);
    });
    return { images, labels, count };
  };
  return {
    classes,
    height: cifarSide,
    width: cifarSide,
    train: decodeSplit('train'),
    test: decodeSplit('test'),
  };
}
