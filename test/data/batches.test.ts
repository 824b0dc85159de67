import { expect } from 'chai';
import {
  augmentBatch,
  epochOrder,
  evaluationBatches,
  plainBatch,
  trainBatchCount,
  trainingBatch,
} from '../../lib/data/batches';
import type { ImageDataset, ImageSplit } from '../../lib/data/source';
import { faultOf } from '../support/faults';

/** Gives these numbers, one after the other, and fails when asked for more. */
function drawing(...values: number[]): () => number {
  return () => values.shift() ?? expect.fail('too many draws');
}

/** A repeatable source of uniform numbers. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

/** `count` images of 2×2 whose channels hold 10, 20, 30, 40 plus 0, 100 and 200, plus the index. */
function ramp(count: number): ImageSplit {
  const images = Uint8Array.from({ length: count * 12 }, (_, i) => {
    const [image, pixel, channel] = [Math.floor(i / 12), Math.floor((i % 12) / 3), i % 3];
    return 10 * (pixel + 1) + 100 * channel + image;
  });
  return { images, labels: Int32Array.from({ length: count }, (_, i) => i % 3), count };
}

function dataset(count: number): ImageDataset {
  return {
    name: 'ramp',
    classes: ['a', 'b', 'c'],
    height: 2,
    width: 2,
    train: ramp(count),
    test: ramp(3),
    mean: [0.5, 0, 0],
    std: [0.25, 1, 1],
    hash: '',
  };
}

/** The bytes of one channel, recovered from a normalised image of the ramp. */
function channel(images: Float32Array, which: number): number[] {
  const { mean, std } = dataset(1);
  return Array.from({ length: images.length / 3 }, (_, pixel) =>
    Math.round(
      ((images[3 * pixel + which] ?? NaN) * (std[which] ?? NaN) + (mean[which] ?? NaN)) * 255,
    ),
  );
}

describe('plainBatch', () => {
  it('scales to [0, 1], takes the mean off and divides by the deviation', () => {
    const data = dataset(2);
    const batch = plainBatch(data, data.train, [1, 0]);
    expect(batch).to.have.length(2 * 2 * 2 * 3);
    // Image 1, first pixel: red 11, green 111, blue 211.
    expect(batch[0]).to.be.closeTo((11 / 255 - 0.5) / 0.25, 1e-6);
    expect(batch[1]).to.be.closeTo(111 / 255, 1e-7);
    expect(batch[2]).to.be.closeTo(211 / 255, 1e-7);
    expect(channel(batch, 1)).to.deep.equal([111, 121, 131, 141, 110, 120, 130, 140]);
  });

  it('allocates anew each time', () => {
    const data = dataset(1);
    expect(plainBatch(data, data.train, [0]).buffer).not.to.equal(
      plainBatch(data, data.train, [0]).buffer,
    );
  });

  it('refuses an index outside the split', () => {
    const data = dataset(2);
    expect(() => plainBatch(data, data.train, [2])).to.throw(RangeError, 'image 2 of a split of 2');
    expect(() => plainBatch(data, data.train, [-1])).to.throw(RangeError);
  });
});

describe('augmentBatch', () => {
  const data = dataset(1);
  // With padding 1 a draw of 0, 0.4 or 0.9 shifts by −1, 0 or +1: ⌊3u⌋ − 1.
  const augment = (...draws: number[]): Float32Array =>
    augmentBatch(data, data.train, [0], drawing(...draws), { padding: 1 });

  it('leaves the image as it is in the middle, unflipped', () => {
    expect(augment(0.4, 0.4, 0.5)).to.deep.equal(plainBatch(data, data.train, [0]));
  });

  it('cuts left, right, top and bottom with black beside the image', () => {
    // The image is [10 20; 30 40].
    expect(channel(augment(0, 0.4, 0.9), 0)).to.deep.equal([0, 10, 0, 30]);
    expect(channel(augment(0.9, 0.4, 0.9), 0)).to.deep.equal([20, 0, 40, 0]);
    expect(channel(augment(0.4, 0, 0.9), 0)).to.deep.equal([0, 0, 10, 20]);
    expect(channel(augment(0.4, 0.9, 0.9), 0)).to.deep.equal([30, 40, 0, 0]);
    expect(channel(augment(0.9, 0.9, 0.9), 2)).to.deep.equal([240, 0, 0, 0]);
  });

  it('flips what was cut when the third draw is below one half', () => {
    expect(channel(augment(0.4, 0.4, 0.499), 0)).to.deep.equal([20, 10, 40, 30]);
    expect(channel(augment(0, 0, 0), 0)).to.deep.equal([0, 0, 10, 0]);
    expect(channel(augment(0, 0.4, 0), 1)).to.deep.equal([110, 0, 130, 0]);
  });

  it('pads before it normalises: black becomes (0 − mean)/std', () => {
    const cut = augment(0, 0, 0.9);
    expect(cut[0]).to.equal((0 - 0.5) / 0.25);
    expect(cut[1]).to.equal(0);
  });

  it('may shift the whole image out, and draws three numbers an image', () => {
    const two = dataset(2);
    const batch = augmentBatch(two, two.train, [0, 1], drawing(0, 0.5, 0.9, 0.5, 0.5, 0.9));
    // Padding 4: ⌊9·0⌋ − 4 = −4 leaves nothing of a 2×2 image, ⌊9·0.5⌋ − 4 = 0 all of it.
    expect(channel(batch, 0)).to.deep.equal([0, 0, 0, 0, 11, 21, 31, 41]);
  });

  it('reaches every shift from −4 to 4 about equally often', () => {
    const random = seeded(5);
    const side = 9;
    const images = new Uint8Array(side * side * 3).fill(0);
    images.fill(255, (4 * side + 4) * 3, (4 * side + 4) * 3 + 3);
    const split = { images, labels: Int32Array.of(0), count: 1 };
    const form = { height: side, width: side, mean: [0, 0, 0], std: [1, 1, 1] } as const;
    const seen = new Map<number, number>();
    for (let i = 0; i < 4000; i++) {
      const place = augmentBatch(form, split, [0], random).findIndex((value) => value > 0) / 3;
      seen.set(place, (seen.get(place) ?? 0) + 1);
    }
    // The one bright cell lands on each of the 81 cells, some 49 times each.
    expect(seen.size).to.equal(81);
    expect(Math.max(...seen.values())).to.be.lessThan(100);
  });
});

describe('epochOrder', () => {
  it('is a permutation and the same for the same numbers', () => {
    const order = epochOrder(1000, seeded(1));
    expect([...order].sort((a, b) => a - b)).to.deep.equal(
      Array.from({ length: 1000 }, (_, i) => i),
    );
    expect(order).to.deep.equal(epochOrder(1000, seeded(1)));
    expect(order).not.to.deep.equal(epochOrder(1000, seeded(2)));
  });

  it('swaps from the end: three items, two draws', () => {
    // 0.0: item 2 with 0 → 2 1 0; 0.9: item 1 with itself.
    expect([...epochOrder(3, drawing(0, 0.9))]).to.deep.equal([2, 1, 0]);
    expect([...epochOrder(0, drawing())]).to.deep.equal([]);
  });

  it('gives every order of three about equally often', () => {
    const random = seeded(3);
    const counts = new Map<string, number>();
    for (let i = 0; i < 6000; i++) {
      const key = epochOrder(3, random).join('');
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).to.equal(6);
    for (const count of counts.values()) expect(count).to.be.within(850, 1150);
  });
});

describe('trainingBatch', () => {
  it('gives the images at these places, each with its own label and index', () => {
    const data = dataset(8);
    const batch = trainingBatch(data, Int32Array.of(5, 0, 7));
    expect(batch.count).to.equal(3);
    expect([...batch.indices]).to.deep.equal([5, 0, 7]);
    expect([...batch.labels]).to.deep.equal([5 % 3, 0, 7 % 3]);
    expect(batch.images).to.deep.equal(plainBatch(data, data.train, [5, 0, 7]));
  });

  it('augments with three numbers an image as they come', () => {
    const data = dataset(4);
    const random = seeded(9);
    const [first, second] = [
      trainingBatch(data, Int32Array.of(3, 1), random),
      trainingBatch(data, Int32Array.of(0, 2), random),
    ];
    const again = seeded(9);
    expect(first?.images).to.deep.equal(augmentBatch(data, data.train, [3, 1], again));
    expect(second?.images).to.deep.equal(augmentBatch(data, data.train, [0, 2], again));
  });
});

describe('trainBatchCount', () => {
  it('counts a short last batch, but none of one image that batch norm could not take', () => {
    expect(trainBatchCount(50_000, { batchSize: 128 })).to.equal(391);
    expect(trainBatchCount(8, { batchSize: 3 })).to.equal(3);
    expect(trainBatchCount(7, { batchSize: 3 })).to.equal(2);
    expect(trainBatchCount(2, { batchSize: 1 })).to.equal(2);
    expect(trainBatchCount(8, { batchSize: 3, lastBatch: 'left out' })).to.equal(2);
    expect(trainBatchCount(9, { batchSize: 3, lastBatch: 'left out' })).to.equal(3);
  });
});

describe('evaluationBatches', () => {
  it('keeps the order and every image, also a last single one', () => {
    const data = dataset(4);
    const batches = Array.from(evaluationBatches(data, data.test, 2), ({ images, ...others }) => ({
      ...others,
      images: images.slice(),
    }));
    expect(batches.map(({ indices }) => [...indices])).to.deep.equal([[0, 1], [2]]);
    expect(batches[0]?.images).to.deep.equal(plainBatch(data, data.test, [0, 1]));
    expect(batches[1]?.images).to.deep.equal(plainBatch(data, data.test, [2]));
    expect([...(batches[1]?.labels ?? [])]).to.deep.equal([2]);
  });

  it('writes each batch over the one before', () => {
    const data = dataset(4);
    const [first, second] = [...evaluationBatches(data, data.test, 2)];
    expect(first?.images.buffer).to.equal(second?.images.buffer);
    expect(first?.images.subarray(0, 3)).to.deep.equal(second?.images.subarray(0, 3));
  });

  it('refuses a batch of no whole size before anything is read', async () => {
    const data = dataset(4);
    for (const size of [0, -1, 2.5, NaN]) {
      const fault = await faultOf(() => evaluationBatches(data, data.test, size));
      expect(fault.what).to.contain('whole number');
    }
  });
});
