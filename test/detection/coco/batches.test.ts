import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import sharp from 'sharp';
import type { CocoBox } from '../../../lib/detection/coco/annotations';
import {
  batchOrder,
  cocoBatches,
  cocoEvaluationBatches,
} from '../../../lib/detection/coco/batches';
import type {
  CocoBatchOptions,
  CocoDataset,
  DetectionBatch,
  PixelForm,
} from '../../../lib/detection/coco/data';
import {
  decodeFile,
  resizedBoxes,
  resizedSize,
  scaledImage,
} from '../../../lib/detection/coco/images';
import { datasetOf, loadCoco } from '../../../lib/detection/coco/load';
import { shapesDataset } from '../../../lib/detection/coco/shapes';
import { sha256 } from '../../../lib/files';
import { smallCocoFile, writeCocoFile, writeCocoImages } from '../../support/coco-files';
import { faultOf } from '../../support/faults';
import { withFolder } from '../../support/folder';
import { otherFormats } from '../../support/other-formats';
import { expectClose } from '../../support/tensors';

const bytes: PixelForm = { order: 'rgb', mean: [0, 0, 0], std: [1, 1, 1] };

const options: CocoBatchOptions = {
  seed: 1,
  batchSize: 4,
  shortSides: [48, 64],
  longest: 1000,
  flip: true,
  pixels: bytes,
};

async function take(
  batches: AsyncIterable<DetectionBatch>,
  count = Infinity,
): Promise<DetectionBatch[]> {
  const taken: DetectionBatch[] = [];
  if (count === 0) return taken;
  for await (const batch of batches) {
    taken.push(batch);
    if (taken.length === count) break;
  }
  return taken;
}

function digest(batches: readonly DetectionBatch[]): string[] {
  return batches.map(({ images, items }) =>
    sha256(
      Buffer.concat([
        Buffer.from(images.buffer),
        Buffer.from(items.map(({ imageId, boxes }) => `${imageId} ${boxes.join()}`).join()),
      ]),
    ),
  );
}

/** Images of these sizes with one object each, all their pixels 100. */
function plainDataset(sizes: readonly (readonly [number, number])[], box: CocoBox): CocoDataset {
  return datasetOf({
    name: 'plain',
    groundTruth: {
      file: 'made up',
      categories: [{ id: 1, name: 'cat' }],
      images: sizes.map(([width, height], at) => ({
        id: at + 1,
        fileName: `${at + 1}.png`,
        width,
        height,
      })),
      annotations: sizes.map((_, at) => ({
        id: at + 1,
        imageId: at + 1,
        categoryId: 1,
        box,
        area: box[2] * box[3],
        crowd: false,
      })),
    },
    hash: '',
    notes: [],
    decode: (entry, { width, height } = entry) =>
      Promise.resolve({ pixels: new Uint8Array(3 * width * height).fill(100), width, height }),
  });
}

describe('resizing for a detector', () => {
  const folder = withFolder();

  it('averages the pixels that become one, as PIL’s bilinear filter', () => {
    // Black and white columns in turn.
    const pixels = Uint8Array.from({ length: 8 * 8 * 3 }, (_, at) =>
      Math.floor(at / 3) % 2 === 0 ? 0 : 255,
    );
    const half = scaledImage({ pixels, width: 8, height: 8 }, { width: 4, height: 4 });
    expect(half.pixels).to.have.length(4 * 4 * 3);
    for (const value of half.pixels) expect(value).to.be.within(80, 175);
  });

  it('leaves an edge in its place where an image is enlarged, as boxes are', async () => {
    const pixels = Uint8Array.from([0, 0, 0, 200, 200, 200]);
    const [edge, size] = [
      { width: 2, height: 1 },
      { width: 4, height: 2 },
    ];
    // The middle of the second of four columns lies a quarter of the way from the first pixel's middle to the next.
    const row = [0, 50, 150, 200].flatMap((level) => [level, level, level]);
    const enlarged = [...row, ...row];
    expect([...scaledImage({ pixels, ...edge }, size).pixels]).to.deep.equal(enlarged);
    const file = join(folder(), 'edge.png');
    await sharp(pixels, { raw: { ...edge, channels: 3 } }).toFile(file);
    expect([...(await decodeFile(file, { id: 1, ...edge }, size)).pixels]).to.deep.equal(enlarged);
  });

  it('makes the short side so long, and less where the long one would be too long', () => {
    expect(resizedSize({ width: 640, height: 480 }, 800, 1333)).to.deep.equal({
      width: 1067,
      height: 800,
    });
    // 2000 × 500 at 800 would be 3200 wide: 1333 wide, and 500 · 1333 / 2000 = 333.25 high.
    expect(resizedSize({ width: 2000, height: 500 }, 800, 1333)).to.deep.equal({
      width: 1333,
      height: 333,
    });
    expect(resizedSize({ width: 375, height: 500 }, 640, 1333)).to.deep.equal({
      width: 640,
      height: 853,
    });
  });

  it('scales and mirrors boxes', () => {
    const entry = { width: 100, height: 50, boxes: Float32Array.of(10, 5, 30, 25) };
    const size = { width: 200, height: 200 };
    expect([...resizedBoxes(entry, size, false)]).to.deep.equal([20, 20, 60, 100]);
    expect([...resizedBoxes(entry, size, true)]).to.deep.equal([140, 20, 180, 100]);
  });
});

describe('training batches for a detector', () => {
  const dataset = shapesDataset({ images: 20, seed: 3, side: 64 });

  it('are the same for the same seed, and from the middle on', async () => {
    const all = digest(await take(cocoBatches(dataset, options), 7));
    expect(digest(await take(cocoBatches(dataset, options), 7))).to.deep.equal(all);
    expect(
      digest(await take(cocoBatches(dataset, { ...options, firstBatch: 5 }), 2)),
    ).to.deep.equal(all.slice(5));
    expect(digest(await take(cocoBatches(dataset, { ...options, prefetch: 0 }), 3))).to.deep.equal(
      all.slice(0, 3),
    );
    const [other] = digest(await take(cocoBatches(dataset, { ...options, seed: 2 }), 1));
    expect(other).to.not.equal(all[0]);
    expect(new Set(all).size).to.equal(7);
  });

  it('hold no side above the longest, in training and evaluation', async () => {
    // 201 × 50 at 100 would be 402 wide: 300 wide and 50 · 300 / 201 = 74.6 high.
    const wide = plainDataset([[201, 50]], [10, 5, 20, 20]);
    const plain = { seed: 1, batchSize: 1, longest: 300, pixels: bytes };
    for (const batches of [
      cocoBatches(wide, { ...plain, shortSides: [100], flip: false }),
      cocoEvaluationBatches(wide, { ...plain, shortSide: 100 }),
    ]) {
      const [{ height, width, items: [item] } = expect.fail('no batch')] = await take(batches, 1);
      expect([height, width]).to.deep.equal([96, 320]);
      expect(item).to.deep.include({
        height: 75,
        width: 300,
        originalHeight: 50,
        originalWidth: 201,
        scale: { x: 300 / 201, y: 1.5 },
      });
      expectClose([...(item?.boxes ?? [])], [3000 / 201, 7.5, 9000 / 201, 37.5], 1e-4);
    }
  });

  it('mirror half of the images, and none where they are told not to', async () => {
    const set = plainDataset([[64, 32]], [0, 0, 8, 8]);
    const plain = { ...options, batchSize: 50, shortSides: [32] };
    const mirrored = async (flip: boolean): Promise<number> =>
      (await take(cocoBatches(set, { ...plain, flip }), 8))
        .flatMap(({ items }) => items)
        .filter(({ boxes: [left] }) => left === 64 - 8).length;
    // Of 400: three standard deviations are 30.
    expect(await mirrored(true)).to.be.within(170, 230);
    expect(await mirrored(false)).to.equal(0);
  });

  it('put square images with tall ones', () => {
    const sizes = [
      [64, 32],
      [32, 64],
      [48, 48],
      [64, 32],
    ] as const;
    const order = batchOrder(plainDataset(sizes, [0, 0, 8, 8]), { seed: 1, batchSize: 2 });
    for (let number = 0; number < 6; number++) {
      const wide = order.next().value.map(({ entry }) => entry === 0 || entry === 3);
      expect(new Set(wide).size).to.equal(1);
    }
  });

  it('come in another order in each epoch', () => {
    const order = batchOrder(dataset, { seed: 1, batchSize: 1 });
    const epochs = [1, 2].map(() =>
      Array.from({ length: 19 }, () => order.next().value[0]?.entry ?? -1),
    );
    expect(epochs[1]).to.have.members(epochs[0] ?? []);
    expect(epochs[1]).not.to.deep.equal(epochs[0]);
  });

  it('hold images of one shape, in sides that are multiples of 32', async () => {
    for (const { images, height, width, items } of await take(cocoBatches(dataset, options), 8)) {
      expect(new Set(items.map((item) => item.width > item.height)).size).to.equal(1);
      expect([height % 32, width % 32, items.length]).to.deep.equal([0, 0, 4]);
      expect(images).to.have.length(4 * height * width * 3);
      expect(height).to.be.at.least(Math.max(...items.map((item) => item.height)));
    }
  });

  it('show each image with objects once an epoch, and none without', () => {
    const order = batchOrder(dataset, { seed: 1, batchSize: 1 });
    const seen = Array.from({ length: 19 }, () => order.next().value[0]?.entry ?? -1);
    expect(dataset.training).to.have.length(19);
    expect([...seen].sort((a, b) => a - b)).to.deep.equal([...dataset.training]);
  });

  it('keep what fills no batch for the next epoch', () => {
    // Ten wide and nine tall images in batches of 4: after 19 images, four batches; 38 make nine.
    const order = batchOrder(dataset, { seed: 1, batchSize: 4 });
    const samples = Array.from({ length: 9 }, () => order.next().value).flat();
    expect(new Set(samples.map(({ sample }) => sample)).size).to.equal(36);
    expect(Math.max(...samples.map(({ sample }) => sample))).to.be.below(40);
  });

  it('draw every short side, and mirror about half', async () => {
    const items = (await take(cocoBatches(dataset, options), 20)).flatMap((batch) => batch.items);
    const sides = items.map(({ width, height }) => Math.min(width, height));
    expect(new Set(sides)).to.deep.equal(new Set([48, 64]));
    const mirrored = items.filter((item) => {
      const entry = dataset.entries.find(({ id }) => id === item.imageId);
      const plain = (entry?.boxes[0] ?? 0) * item.scale.x;
      return Math.abs((item.boxes[0] ?? 0) - plain) > 1e-3;
    });
    expect(mirrored.length).to.be.within(20, 60);
  });

  it('refuse sizes that are none', async () => {
    for (const wrong of [
      { batchSize: 0 },
      { shortSides: [] },
      { shortSides: [0.5] },
      { longest: NaN },
    ]) {
      const fault = await faultOf(() => cocoBatches(dataset, { ...options, ...wrong }));
      expect(fault.kind).to.equal('option');
    }
  });

  it('refuse fewer than no batches decoded ahead, and those of an evaluation too', async () => {
    const evaluation = { ...options, shortSide: 48 };
    for (const prefetch of [-1, NaN, Infinity]) {
      for (const make of [
        () => cocoBatches(dataset, { ...options, prefetch }),
        () => cocoEvaluationBatches(dataset, { ...evaluation, prefetch }),
      ]) {
        expect(await faultOf(make)).to.include({ where: 'prefetch', found: String(prefetch) });
      }
    }
    expect(
      await take(cocoEvaluationBatches(dataset, { ...evaluation, prefetch: 0 }), 1),
    ).to.have.length(1);
  });
});

describe('pixels of a batch', () => {
  const folder = withFolder();

  async function one(pixels: PixelForm): Promise<DetectionBatch> {
    const content = smallCocoFile();
    const images = await writeCocoImages(folder(), content);
    const dataset = loadCoco({ annotations: writeCocoFile(folder(), content), images });
    const all = { batchSize: 2, shortSide: 24, longest: 1000, pixels };
    const [batch] = await take(cocoEvaluationBatches(dataset, all));
    return batch ?? expect.fail('no batch');
  }

  it('are normalised in their order of channels, and zero outside of the image', async () => {
    // 64 × 48 becomes 32 × 24 in a batch of 32 × 32; the colour is 10, 100, 200.
    const { images, height, width, items } = await one({
      order: 'bgr',
      mean: [100, 50, 4],
      std: [2, 1, 3],
    });
    expect([height, width]).to.deep.equal([32, 32]);
    expect([...images.subarray(0, 3)]).to.deep.equal([50, 50, 2]);
    expect([...images.subarray(23 * 32 * 3, 23 * 32 * 3 + 3)]).to.deep.equal([50, 50, 2]);
    expect(images.subarray(24 * 32 * 3, 32 * 32 * 3).every((value) => value === 0)).to.equal(true);
    expect(items[0]).to.deep.include({ imageId: 11, height: 24, width: 32 });
    expect(items[0]).to.deep.include({ originalHeight: 48, originalWidth: 64 });
    expect([...(items[0]?.boxes ?? [])]).to.deep.equal([4, 2, 12, 8]);
    expect(items.map(({ imageId }) => imageId)).to.deep.equal([11, 12]);
  });

  it('are mirrored with their boxes', async () => {
    const set = shapesDataset({ images: 2, seed: 1, side: 64 });
    const plain: CocoBatchOptions = { ...options, batchSize: 1, shortSides: [48], flip: false };
    const [a] = await take(cocoBatches(set, plain), 1);
    const batches = await take(cocoBatches(set, { ...plain, flip: true }), 12);
    const same = batches.filter(({ items }) => items[0]?.imageId === a?.items[0]?.imageId);
    const turned = same.find(({ images }) => digestOf(images) !== digestOf(a?.images));
    const { images = new Float32Array(0), width = 0, items = [] } = turned ?? {};
    const item = items[0] ?? expect.fail('never mirrored');
    const at = (x: number, y: number): number[] => [
      ...images.slice(3 * (y * width + x)).slice(0, 3),
    ];
    const before = (x: number, y: number): number[] => [
      ...(a?.images ?? new Float32Array(0)).slice(3 * (y * width + x)).slice(0, 3),
    ];
    expect(at(0, 5)).to.deep.equal(before(item.width - 1, 5));
    expect(at(item.width - 1, 7)).to.deep.equal(before(0, 7));
  });

  it('obey an orientation mark only where the annotations do', async () => {
    const path = join(folder(), 'turned.jpg');
    const create = { width: 40, height: 20, channels: 3, background: '#204060' } as const;
    await sharp({ create }).withMetadata({ orientation: 6 }).jpeg().toFile(path);
    const stored = await decodeFile(path, { id: 1, width: 40, height: 20 });
    expect([stored.width, stored.height]).to.deep.equal([40, 20]);
    const upright = await decodeFile(
      path,
      { id: 1, width: 20, height: 40 },
      { width: 10, height: 20 },
    );
    expect([upright.width, upright.height]).to.deep.equal([10, 20]);
    const fault = await faultOf(() => decodeFile(path, { id: 5, width: 30, height: 20 }));
    expect(fault.where).to.equal(`${path} (image 5)`);
    expect(fault.found).to.equal('40 × 20 instead of 30 × 20');
  });

  it('name an image that is damaged', async () => {
    const content = smallCocoFile();
    const images = await writeCocoImages(folder(), content);
    const dataset = loadCoco({ annotations: writeCocoFile(folder(), content), images });
    for (const content of ['no image', ...Object.values(otherFormats)]) {
      writeFileSync(join(images, 'a.png'), content);
      const fault = await faultOf(() =>
        take(cocoBatches(dataset, { ...options, batchSize: 1 }), 1),
      );
      expect(fault.what).to.equal('an image cannot be decoded');
      expect(fault.where).to.contain('a.png (image 11)');
      expect(fault.found).to.equal('neither a JPEG nor a PNG');
    }
  });
});

function digestOf(values: Float32Array | undefined): string {
  return sha256(Buffer.from((values ?? new Float32Array(0)).slice().buffer));
}
