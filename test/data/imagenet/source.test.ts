import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { TrainingBatch, TrainingBatchRequest } from '../../../lib/data/batches';
import { imageFolderSource, type ImageFolderSource } from '../../../lib/data/imagenet/source';
import {
  mixBatch,
  randomErasing,
  randomResizedCrop,
} from '../../../lib/data/imagenet/augmentation';
import { decodePixels, evaluationCrop } from '../../../lib/data/imagenet/decode';
import { randAugment } from '../../../lib/data/imagenet/rand-augment';
import { resizeLikePil } from '../../../lib/data/resample';
import { random } from '../../../lib/engine/random';
import { faultOf } from '../../support/faults';
import { withFolder } from '../../support/folder';
import { writePhotoFolder } from '../../support/photo-folder';

const request: TrainingBatchRequest = {
  seed: 1,
  epoch: 0,
  firstBatch: 0,
  batchSize: 4,
  augmentation: 'resized-crop-flip',
};

describe('an image folder as a source of batches', () => {
  const folder = withFolder();
  const opened: ImageFolderSource[] = [];
  const open = async (workers = 1): Promise<ImageFolderSource> => {
    const source = await imageFolderSource({ root: folder(), trainSize: 16, workers });
    opened.push(source);
    return source;
  };
  const batchesOf = async (
    source: ImageFolderSource,
    asked: Partial<TrainingBatchRequest> = {},
  ): Promise<TrainingBatch[]> => {
    const batches = [];
    for await (const batch of source.trainingBatches({ ...request, ...asked })) batches.push(batch);
    return batches;
  };

  beforeEach(() => writePhotoFolder(folder(), { train: 7, val: 3 }));
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((source) => source.dispose()));
  });

  it('describes what it holds', async () => {
    const source = await open();
    expect(source.classes).to.deep.equal(['n01', 'n02']);
    expect(source.train.count).to.equal(14);
    expect(source.test.count).to.equal(6);
    expect([...Array.from(source.test.labels)]).to.deep.equal([0, 0, 0, 1, 1, 1]);
    expect(source).to.include({ height: 16, width: 16, workers: 1 });
    expect(source.counts).to.include({ jpeg: 20, png: 0, grey: 0, cmyk: 0 });
  });

  it('gives the same bytes whatever the number of threads', async () => {
    const [one, two, four] = await Promise.all(
      [1, 2, 4].map(async (workers) => {
        const source = await open(workers);
        return Promise.all(
          ['resized-crop-flip', 'deit', 'none'].map((augmentation) =>
            batchesOf(source, { augmentation }),
          ),
        );
      }),
    );
    expect(two).to.deep.equal(one);
    expect(four).to.deep.equal(one);
  });

  it('takes every image once an epoch, in another order and other crops each epoch', async () => {
    const source = await open(2);
    const [first, second] = [await batchesOf(source), await batchesOf(source, { epoch: 1 })];
    for (const batches of [first, second]) {
      expect(batches.map(({ count }) => count)).to.deep.equal([4, 4, 4, 2]);
      const all = batches.flatMap(({ indices }) => [...indices]);
      expect(all.toSorted((a, b) => a - b)).to.deep.equal(Array.from({ length: 14 }, (_, i) => i));
      for (const { labels, indices } of batches) {
        expect([...labels]).to.deep.equal([...indices].map((index) => (index < 7 ? 0 : 1)));
      }
    }
    expect(first[0]?.indices).to.not.deep.equal(second[0]?.indices);
    expect(imageOf(first, 3)).to.not.deep.equal(imageOf(second, 3));
  });

  it('begins at the batch it is asked for with what an unbroken epoch would have had', async () => {
    const source = await open();
    const whole = await batchesOf(source, { augmentation: 'deit' });
    const rest = await batchesOf(source, { augmentation: 'deit', firstBatch: 2 });
    expect(rest).to.deep.equal(whole.slice(2));
  });

  it('draws for an image by its index, whatever the batch size', async () => {
    const source = await open();
    const small = await batchesOf(source);
    const large = await batchesOf(source, { batchSize: 14 });
    for (const index of [0, 5, 13]) {
      expect(imageOf(small, index)).to.deep.equal(imageOf(large, index));
    }
  });

  it('mixes with DeiT’s augmentation only, and says how', async () => {
    const source = await open();
    const [mixed] = await batchesOf(source, { augmentation: 'deit' });
    expect([...(mixed?.mix?.partner ?? [])]).to.deep.equal([3, 2, 1, 0]);
    expect(mixed?.mix?.lambda).to.have.length(4);
    const [alone] = await batchesOf(source, { augmentation: 'deit-unmixed' });
    expect(alone).to.not.have.property('mix');
  });

  it('evaluates in order, normalised with ImageNet’s statistics', async () => {
    const source = await imageFolderSource({
      root: folder(),
      trainSize: 16,
      workers: 1,
      // Photos are 36 to 46 high: the short side of the first stays as it is.
      evaluation: { resize: 41, crop: 10, interpolation: 'bilinear' },
    });
    opened.push(source);
    const batches = [];
    for await (const batch of source.evaluationBatches({ batchSize: 4 })) batches.push(batch);
    expect(batches.map(({ count }) => count)).to.deep.equal([4, 2]);
    expect(batches.flatMap(({ indices }) => [...indices])).to.deep.equal([0, 1, 2, 3, 4, 5]);
    expect(batches.flatMap(({ labels }) => [...labels])).to.deep.equal([0, 0, 0, 1, 1, 1]);
    // The 16th photo: 43 by 41, so nothing is scaled; (43 − 10)/2 = 16.5, to even 16; (41 − 10)/2, to even 16.
    const { data, width } = await decodePixels(join(folder(), 'val', 'n01', 'n01_1.JPEG'));
    const pixel = (16 * width + 16) * 3;
    for (const channel of [0, 1, 2]) {
      const expected = normalised(data[pixel + channel] ?? 0, channel);
      expect(batches[0]?.images[10 * 10 * 3 + channel]).to.be.closeTo(expected, 1e-5);
    }
  });

  it('shows training images unaugmented as it evaluates by default: 8/7 of the side, the middle cut out', async () => {
    const source = await open();
    // 16 · 8/7 = 18.3
    expect(source.evaluation).to.deep.equal({ resize: 18, crop: 16, interpolation: 'bilinear' });
    const batches = await batchesOf(source, { augmentation: 'none' });
    // The first photo, 43 by 41: 18 high, 18 · 43/41 = 18.9 wide, rounded down; 1 is cut off all around.
    const whole = await decodePixels(join(folder(), 'train', 'n01', 'n01_0.JPEG'));
    expect([whole.width, whole.height]).to.deep.equal([43, 41]);
    const window = { left: 1, top: 1, width: 16, height: 16 };
    const to = { width: 18, height: 18 };
    const expected = resizeLikePil(whole, to, { interpolation: 'bilinear', window });
    expect(bytesOf(imageOf(batches, 0))).to.deep.equal([...expected.data]);
  });

  it('scales for evaluation as it is asked to, and leaves out a short batch of an epoch', async () => {
    const source = await open();
    const whole = await decodePixels(join(folder(), 'val', 'n01', 'n01_0.JPEG'));
    const { size, window } = evaluationCrop(whole, source.evaluation);
    for (const interpolation of [undefined, 'bicubic', 'bilinear'] as const) {
      const kernel = interpolation ?? 'bilinear';
      const expected = resizeLikePil(whole, size, { interpolation: kernel, window });
      for await (const { images } of source.evaluationBatches({ batchSize: 1, interpolation })) {
        expect(bytesOf([...images]), kernel).to.deep.equal([...expected.data]);
        break;
      }
    }
    const batches = await batchesOf(source, { lastBatch: 'left out' });
    expect(batches.map(({ count }) => count)).to.deep.equal([4, 4, 4]);
  });

  it('takes the part that was drawn first, and mirrors it when the next draw is below one half', async () => {
    const source = await open();
    const batches = await batchesOf(source, { epoch: 3 });
    const seen: boolean[] = [];
    for (let index = 0; index < 14; index++) {
      const name = index < 7 ? 'n01' : 'n02';
      const file = join(folder(), 'train', name, `${name}_${index % 7}.JPEG`);
      const whole = await decodePixels(file);
      const draw = random(1, 'augmentation', 3, index);
      const box = randomResizedCrop(whole, draw);
      const to = { width: 16, height: 16 };
      const { data } = resizeLikePil(whole, to, { interpolation: 'bilinear', box });
      const flips = draw.uniform() < 0.5;
      const expected = flips ? mirrored(data) : [...data];
      expect(bytesOf(imageOf(batches, index)), `image ${index}`).to.deep.equal(expected);
      seen.push(flips);
    }
    expect(new Set(seen).size).to.equal(2);
  });

  it('does DeiT’s augmentation in timm’s order: part, mirror, RandAugment, erasing, and mixes each batch', async () => {
    const source = await open();
    const asked = { epoch: 2, batchSize: 5 };
    const unmixed = await batchesOf(source, { ...asked, augmentation: 'deit-unmixed' });
    const mixed = await batchesOf(source, { ...asked, augmentation: 'deit' });
    const to = { width: 16, height: 16 };
    const interpolation = 'bicubic';
    let erased = 0;
    for (let index = 0; index < 14; index++) {
      const name = index < 7 ? 'n01' : 'n02';
      const whole = await decodePixels(join(folder(), 'train', name, `${name}_${index % 7}.JPEG`));
      const draw = random(1, 'augmentation', 2, index);
      const part = resizeLikePil(whole, to, { interpolation, box: randomResizedCrop(whole, draw) });
      const data = draw.uniform() < 0.5 ? Uint8Array.from(mirrored(part.data)) : part.data;
      const settings = { magnitude: 9, deviation: 0.5, operations: 2 };
      // ImageNet's mean in whole levels: 255 × 0.485 = 123.7, 255 × 0.456 = 116.3, 255 × 0.406 = 103.5.
      const around = { interpolation, fill: [124, 116, 104] } as const;
      const changed = randAugment({ ...to, data }, draw, settings, around);
      const image = Float32Array.from(changed.data, normalised);
      const before = image.slice();
      randomErasing(image, to, draw, 0.25);
      if (image.some((value, at) => value !== before[at])) erased++;
      const found = imageOf(unmixed, index);
      const furthest = image.reduce(
        (most, value, at) => Math.max(most, Math.abs(value - (found[at] ?? NaN))),
        0,
      );
      expect(furthest, `image ${index}`).to.be.below(1e-5);
    }
    expect(erased).to.be.within(1, 13);
    unmixed.forEach(({ images, count }, batch) => {
      const draw = random(1, 'mix', 2, batch);
      const options = { mixupAlpha: 0.8, cutmixAlpha: 1, switchProbability: 0.5 };
      const { lambda } = mixBatch(images, { ...to, count }, draw, options);
      expect(mixed[batch]?.images).to.deep.equal(images);
      expect(mixed[batch]?.mix?.lambda).to.deep.equal(lambda);
    });
  });

  it('goes on after a consumer that stopped early', async () => {
    const source = await open(2);
    for await (const batch of source.trainingBatches(request)) {
      expect(batch.count).to.equal(4);
      break;
    }
    expect(await batchesOf(source)).to.have.length(4);
  });

  it('names a file that became unreadable while training went on', async () => {
    const source = await open(2);
    const gone = join(folder(), 'train', 'n02', 'n02_4.JPEG');
    rmSync(gone);
    expect(await faultOf(() => batchesOf(source))).to.include({ kind: 'data', where: gone });
    const broken = join(folder(), 'val', 'n01', 'n01_0.JPEG');
    writeFileSync(broken, 'nothing');
    const evaluation = source.evaluationBatches({ batchSize: 2 })[Symbol.asyncIterator]();
    expect(await faultOf(() => evaluation.next())).to.include({ kind: 'data', where: broken });
  });

  it('gives the same bytes from memory as decoded, with room for all, some or no images', async () => {
    const photos = 20;
    const counted: number[] = [];
    const epochs = await Promise.all(
      [0, 30_000, 10_000_000].map(async (cacheBytes) => {
        const source = await imageFolderSource({
          root: folder(),
          trainSize: 16,
          workers: 2,
          cacheBytes,
        });
        opened.push(source);
        counted.push(source.cached.images);
        const found = [];
        for (const augmentation of ['none', 'resized-crop-flip', 'resized-crop-flip']) {
          found.push(await batchesOf(source, { augmentation }));
          for await (const batch of source.evaluationBatches({ batchSize: 4 })) found.push(batch);
        }
        return found;
      }),
    );
    const [decoded, some, all] = epochs;
    expect(some).to.deep.equal(decoded);
    expect(all).to.deep.equal(decoded);
    expect(counted).to.include.members([0, photos]);
    expect(Math.max(...counted.filter((images) => images < photos))).to.be.within(1, photos - 1);
  });

  it('needs no file any more that is kept in memory', async () => {
    const source = await open(2);
    const before = await batchesOf(source, { epoch: 1 });
    rmSync(join(folder(), 'train'), { recursive: true });
    expect(await batchesOf(source, { epoch: 1 })).to.deep.equal(before);
    expect(source.notes?.join('\n')).to.match(/20 JPEG, 0 PNG\.\n.*kept in memory: all, 1 MiB/);
  });

  it('refuses what it cannot do before anything is decoded', async () => {
    const source = await open();
    const unknown = await faultOf(() =>
      source.trainingBatches({ ...request, augmentation: 'resized-crop' }),
    );
    expect(unknown.fix).to.include('Known: resized-crop-flip, deit');
    expect(await faultOf(() => source.evaluationBatches({ batchSize: 0 }))).to.include({
      kind: 'option',
    });
    for (const wrong of [{ workers: 0 }, { trainSize: 2.5 }]) {
      const fault = await faultOf(() => imageFolderSource({ root: folder(), ...wrong }));
      expect(fault.kind).to.equal('option');
    }
  });
});

const mean = [0.485, 0.456, 0.406];
const std = [0.229, 0.224, 0.225];

/** ImageNet's normalisation of the byte in this place of an image. */
function normalised(byte: number, at: number): number {
  return (byte / 255 - (mean[at % 3] ?? NaN)) / (std[at % 3] ?? NaN);
}

/** The bytes that it made these numbers of. */
function bytesOf(image: readonly number[]): number[] {
  return image.map((value, at) =>
    Math.round(255 * (value * (std[at % 3] ?? NaN) + (mean[at % 3] ?? NaN))),
  );
}

/** The bytes of an image 16 wide, mirrored row by row. */
function mirrored(data: Uint8Array): number[] {
  return Array.from(data, (_, at) => {
    const [row, x, channel] = [Math.floor(at / 48), Math.floor((at % 48) / 3), at % 3];
    return data[row * 48 + (15 - x) * 3 + channel] ?? NaN;
  });
}

/** The pixels that batches hold of one image of the train split. */
function imageOf(batches: readonly TrainingBatch[], index: number): number[] {
  for (const { images, indices, count } of batches) {
    const row = indices.indexOf(index);
    const length = images.length / count;
    if (row >= 0) return [...images.subarray(row * length, (row + 1) * length)];
  }
  throw new Error(`no image ${index}`);
}
