import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import sharp from 'sharp';
import { decodeImage } from '../../lib/data/images';
import { loadFashionMnist } from '../../lib/data/fashion-mnist';
import { decodePixels } from '../../lib/data/imagenet/decode';
import { readAnnotations } from '../../lib/detection/coco/annotations';
import { decodeFile } from '../../lib/detection/coco/images';
import { readDetections } from '../../lib/detection/coco/results-form';
import { readClassMeans, writeClassMeans } from '../../lib/distill/class-means';
import { readReleasedClassMeans } from '../../lib/distill/released-class-means';
import { LabError } from '../../lib/errors';
import { decodeCifarBinary, decodeCifarNames, decodeCifarPython } from '../../lib/formats/cifar';
import { decodeDetectronPickle } from '../../lib/formats/detectron-pickle';
import { readIdx, writeIdx } from '../../lib/formats/idx';
import { numpyGlobals } from '../../lib/formats/numpy-pickle';
import { unpickle } from '../../lib/formats/pickle';
import { encodePth } from '../../lib/formats/pth-writer';
import { encodeSafetensors } from '../../lib/formats/safetensors';
import { readTarFiles } from '../../lib/formats/tar';
import { readWeights } from '../../lib/formats/weights';
import { renderMarkdown } from '../../lib/report/writers/markdown';
import { restoreCheckpoint, saveCheckpoint } from '../../lib/train/checkpoint';
import { reportOf } from '../../reproduce/grid/report';
import { smallCocoFile } from '../support/coco-files';
import { writeMadeUpRun } from '../support/made-up-runs';
import { tarFile } from '../support/tar-file';
import { bytes, json, jsonLines, type Mutation, pickle, safetensors, zipped } from './mutations';

/** A reader of files, a right file of its kind, and how it is made wrong. */
export interface Reader {
  readonly name: string;
  readonly whole: Buffer;
  readonly mutation: Mutation;
  /** The right file is none either: only those that the package holds are taken, by their checksums. */
  readonly refusesAll?: true;
  /** @param file a place in a folder of the case's own, where the content lies already */
  readonly read: (content: Buffer, file: string) => unknown;
}

const odd = JSON.parse(
  readFileSync(join(__dirname, '..', 'fixtures', 'odd-checkpoints', 'few.json'), 'utf8'),
) as { cases: Record<string, { file: string }> };

/** A committed checkpoint that PyTorch wrote. */
function checkpoint(ending: string): Buffer {
  const [, found] = Object.entries(odd.cases).find(([name]) => name.endsWith(ending)) ?? [];
  return Buffer.from(found?.file ?? '', 'base64');
}

const weights = new Map([
  ['fc.weight', { shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) }],
  ['bn.num_batches_tracked', { shape: [], data: Float32Array.of(3) }],
]);

/** Pickled by Python 2: `data` of one image and a label; `cifar` and `.pkl` of a detector alike. */
const array = (shape: string, type: string, content: string): string =>
  `cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85U\x01btR(K\x01${shape}cnumpy\ndtype\nU\x02${type}K\x00K\x01\x87R\x89${content}tb`;
const long = (length: number): string => {
  const size = Buffer.alloc(4);
  size.writeUInt32LE(length);
  return `T${size.toString('latin1')}${'\0'.repeat(length)}`;
};
const cifarPickle = Buffer.from(
  `\x80\x02}(U\x06labels](K\x01eU\x04data${array('K\x01M\x00\x0c\x86', 'u1', long(3072))}u.`,
  'latin1',
);
const detectorPickle = Buffer.from(
  `\x80\x02}(U\x05modelU\x0a__author__U\x06Caffe2U\x05model}U\x03a_w${array('K\x02\x85', 'f4', long(8))}su.`.replace(
    'U\x05modelU\x0a',
    'U\x0a',
  ),
  'latin1',
);

const cifarTarget = (): { images: Uint8Array; labels: Int32Array; start: number } => ({
  ...{ images: new Uint8Array(3072), labels: new Int32Array(1), start: 0 },
});
const oneRecord = { records: 1, classCount: 10, where: 'f' };

const madeUp = { config: { study: 'table1-quick-fashion-mnist' }, top1: [50, 60] };

/** A run's folder with one of its files replaced, and the tables that are rendered from it. */
function rendering(name: string, mutation: Mutation, folder: string): Reader {
  const directory = writeMadeUpRun(join(folder, name), madeUp);
  const path = join(directory, name);
  const place = path.slice(join(folder, name).length + 1);
  return {
    name: `tables from ${name}`,
    whole: readFileSync(path),
    mutation,
    async read(content, file) {
      const root = `${file}-results`;
      writeMadeUpRun(root, madeUp);
      writeFileSync(join(root, place), content);
      const found = await reportOf(root).read('table1');
      if (found === null) throw new Error('no run to render');
      return renderMarkdown(found.document);
    },
  };
}

/** All readers of files that others make, with samples in `folder`. */
export async function allReaders(folder: string): Promise<Reader[]> {
  const picture = sharp({ create: { width: 24, height: 16, channels: 3, background: '#abc' } });
  const png = await picture.clone().png().toBuffer();
  const jpeg = await picture.clone().jpeg().toBuffer();
  const means = join(folder, 'means.safetensors');
  writeClassMeans(means, {
    ...{ means: Float32Array.of(1, 2, 3, 4), classes: 2, dimension: 2 },
    ...{ teacherHash: 'a', datasetHash: 'b', augmented: true },
  });
  const saved = join(folder, 'saved');
  const sums = { images: 0, total: 0, terms: [], counts: [], rates: { first: 0, last: 0 } };
  const progress = { period: 0, batch: 1, step: 1, sums };
  saveCheckpoint(saved, { save: () => weights }, { recipeHash: 'r', progress, metrics: [] });
  const manifest = readFileSync(join(saved, 'step-00000001.json'));
  const gzipped = gzipSync(writeIdx({ shape: [2, 3], data: new Uint8Array(6) }));
  const coco = smallCocoFile();
  const expected = { id: 1, width: 24, height: 16 };
  const detections = [{ image_id: 11, category_id: 7, bbox: [1, 2, 3, 4], score: 0.5 }];
  const tar = gzipSync(tarFile([{ name: 'a/train.bin', content: Buffer.alloc(600, 'x') }]));
  const readFile = (_: Buffer, file: string): unknown => readWeights(file);
  return [
    { name: '.pth, new form', whole: checkpoint('-zip'), mutation: zipped, read: readFile },
    {
      name: '.pth, written here',
      whole: Buffer.from(encodePth(weights)),
      mutation: zipped,
      read: readFile,
    },
    { name: '.pth, old form', whole: checkpoint('-legacy'), mutation: pickle, read: readFile },
    {
      name: 'safetensors',
      whole: Buffer.from(encodeSafetensors(weights, { a: 'b' })),
      mutation: safetensors,
      read: readFile,
    },
    {
      name: 'pickle of numpy',
      whole: cifarPickle,
      mutation: pickle,
      read: (content) => unpickle(content, { globals: numpyGlobals('f', content.length) }),
    },
    {
      name: 'CIFAR, python form',
      whole: cifarPickle,
      mutation: pickle,
      read: (content) => decodeCifarPython(content, 'labels', oneRecord, cifarTarget()),
    },
    {
      name: 'CIFAR, binary form',
      whole: Buffer.alloc(3073, 5),
      mutation: bytes,
      read(content) {
        decodeCifarBinary(content, { labelBytes: 1, classByte: 0 }, oneRecord, cifarTarget());
      },
    },
    {
      name: 'class names',
      whole: Buffer.from('cat\ndog\n'),
      mutation: bytes,
      read: (content) => decodeCifarNames(content, 2, 'f'),
    },
    {
      name: '.pkl of a detector',
      whole: detectorPickle,
      mutation: pickle,
      async read(content) {
        const { weights: found } = decodeDetectronPickle(content, 'f');
        return [...found.values()].map(({ data }) => data.length);
      },
    },
    {
      name: 'idx, gzipped',
      whole: gzipped,
      mutation: (whole, draw) =>
        draw.integer(2) === 0 ? bytes(whole, draw) : gzipSync(bytes(gunzipSync(whole), draw)),
      read: (content) => readIdx(unzipped(content), 'f'),
    },
    {
      name: 'embedded data',
      refusesAll: true,
      whole: gzipped,
      mutation: bytes,
      read(content, file) {
        const place = `${file}-data`;
        mkdirSync(place);
        for (const split of ['train', 'test']) {
          for (const part of ['images-idx3', 'labels-idx1']) {
            writeFileSync(join(place, `${split}-${part}-ubyte.gz`), content);
          }
        }
        return loadFashionMnist({ folder: place });
      },
    },
    {
      name: 'tar',
      whole: tar,
      mutation: (whole, draw) =>
        draw.integer(2) === 0 ? bytes(whole, draw) : gzipSync(bytes(gunzipSync(whole), draw)),
      read: (_, file) => readTarFiles(file, new Map([['train.bin', 1000]])),
    },
    {
      name: 'annotations of COCO',
      whole: Buffer.from(JSON.stringify(coco)),
      mutation: json,
      read: (_, file) => readAnnotations(file),
    },
    {
      name: 'detections of COCO',
      whole: Buffer.from(JSON.stringify(detections)),
      mutation: json,
      read: (_, file) => readDetections(file),
    },
    {
      name: 'image of COCO',
      whole: png,
      mutation: bytes,
      read: (_, file) => decodeFile(file, expected),
    },
    {
      name: 'image of ImageNet',
      whole: jpeg,
      mutation: bytes,
      read: (_, file) => decodePixels(file),
    },
    {
      name: 'image of a folder',
      whole: jpeg,
      mutation: bytes,
      read: (_, file) => decodeImage(file, 8),
    },
    {
      name: 'class means',
      whole: readFileSync(means),
      mutation: safetensors,
      read: (_, file) => readClassMeans(file),
    },
    {
      name: 'class means of the paper’s code',
      whole: Buffer.from('{"0":[1,2],"1":[3,4]}'),
      mutation: json,
      read: (_, file) => readReleasedClassMeans(file),
    },
    {
      name: 'checkpoint of a run',
      whole: manifest,
      mutation: json,
      read(content, file) {
        const place = `${file}-checkpoints`;
        mkdirSync(place);
        writeFileSync(join(place, 'step-00000001.json'), content);
        const tensors = readFileSync(join(saved, 'step-00000001.safetensors'));
        writeFileSync(join(place, 'step-00000001.safetensors'), tensors);
        return restoreCheckpoint(place, { restore: () => undefined }, 'r', () => undefined);
      },
    },
    rendering('config.json', json, folder),
    rendering('metrics.jsonl', jsonLines, folder),
    rendering('provenance.json', json, folder),
  ];
}

/** As the readers of gzipped files do it: what zlib says of a damaged one is a refusal. */
function unzipped(content: Buffer): Buffer {
  try {
    return gunzipSync(content, { maxOutputLength: 2 ** 20 });
  } catch (error) {
    throw new LabError('data', String(error), `Get it again (${dirname('f')})`);
  }
}
