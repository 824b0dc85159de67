import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import sharp from 'sharp';
import { batchOrder } from '../../lib/coco/batch-order';
import { cocoBatches, cocoEvaluationBatches } from '../../lib/coco/batches';
import type { CocoBatchOptions, CocoDataset, DetectionBatch, PixelForm } from '../../lib/coco/data';
import { decodeFile } from '../../lib/coco/decode';
import { loadCoco } from '../../lib/coco/load';
import { resizedBoxes, resizedSize } from '../../lib/coco/resize';
import { shapesDataset } from '../../lib/coco/shapes';
import { sha256 } from '../../lib/files';
import { smallCocoFile, writeCocoFile, writeCocoImages } from '../support/coco-files';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

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

describe('resizing for a detector', () => {
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
    writeFileSync(join(images, 'a.png'), 'no image');
    const dataset = loadCoco({ annotations: writeCocoFile(folder(), content), images });
    const fault = await faultOf(() => take(cocoBatches(dataset, { ...options, batchSize: 1 }), 1));
    expect(fault.what).to.equal('an image cannot be decoded');
    expect(fault.where).to.contain('a.png (image 11)');
  });
});

describe('the made-up shapes', () => {
  it('are the same everywhere', async () => {
    const set = shapesDataset({ images: 3, seed: 7, side: 64 });
    const [first] = set.entries;
    const { pixels, width, height } = await set.decode(first ?? expect.fail('no image'));
    expect([width, height]).to.deep.equal([64, 48]);
    expect(sha256(pixels)).to.equal(
      await pixelHash(shapesDataset({ images: 9, seed: 7, side: 64 })),
    );
    expect(sha256(pixels)).to.not.equal(
      await pixelHash(shapesDataset({ images: 3, seed: 7, side: 64, split: 'val' })),
    );
    expect(set.classes).to.deep.equal(['disc', 'square', 'triangle']);
  });

  it('lie inside of their images and apart', () => {
    const { entries, groundTruth } = shapesDataset({ images: 64, seed: 1 });
    expect(entries.filter(({ labels }) => labels.length === 0)).to.have.length(4);
    expect(groundTruth.annotations.length).to.be.above(100);
    for (const { boxes, width, height } of entries) {
      for (let at = 0; at < boxes.length; at += 4) {
        const [x1 = -1, y1 = -1, x2 = -1, y2 = -1] = boxes.subarray(at, at + 4);
        expect(x1 >= 0 && y1 >= 0 && x2 <= width && y2 <= height && x1 < x2 && y1 < y2).to.equal(
          true,
        );
        for (let other = 0; other < at; other += 4) {
          const [u1 = 0, v1 = 0, u2 = 0, v2 = 0] = boxes.subarray(other, other + 4);
          expect(x2 < u1 || u2 < x1 || y2 < v1 || v2 < y1).to.equal(true);
        }
      }
    }
  });

  it('refuse to be none', async () => {
    expect((await faultOf(() => shapesDataset({ images: 0, seed: 1 }))).kind).to.equal('option');
  });
});

async function pixelHash(set: CocoDataset): Promise<string> {
  return sha256((await set.decode(set.entries[0] ?? expect.fail('no image'))).pixels);
}

function digestOf(values: Float32Array | undefined): string {
  return sha256(Buffer.from((values ?? new Float32Array(0)).slice().buffer));
}
