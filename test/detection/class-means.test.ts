import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { gatherClassMeans } from '../../lib/detection/class-means';
import { caffePixels, torchvisionPixels } from '../../lib/detection/coco/images';
import type { Detector } from '../../lib/detection/detector';
import { scriptedDetector, shapesBatch, tinyDetector, tinySampling } from '../support/detector';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { expectClose, numbers } from '../support/tensors';

describe('the class means of a detector', () => {
  withEngine('native');

  it('are the mean embedding of each class over the teacher’s own regions', async () => {
    // A cat at 0 … 10 and a dog at 20 … 40; the teacher proposes most of each, and two other places.
    const levels = [
      [
        [0, 0, 10, 9],
        [20, 20, 40, 36],
        [20, 20, 36, 40],
        [50, 0, 60, 10],
        [50, 50, 60, 60],
      ],
    ];
    const scripted = scriptedDetector({
      classes: 3,
      levels,
      // Right and lower edge.
      say: ([, , right = 0, bottom = 0]) => ({ embedding: [right, bottom] }),
    });
    const item = {
      ...(shapesBatch(0).items[0] ?? expect.fail('no image')),
      boxes: Float32Array.of(0, 0, 10, 10, 20, 20, 40, 40),
      labels: Int32Array.of(0, 1),
    };
    // The second image has the dog alone: what lies on the cat is background there.
    const other = { ...item, boxes: item.boxes.slice(4), labels: Int32Array.of(1) };
    async function* batches(): AsyncGenerator<ReturnType<typeof shapesBatch>, void> {
      for (;;) yield await Promise.resolve({ ...shapesBatch(0), items: [item, other] });
    }
    const tensors = tf.memory().numTensors;
    const { means: found, counts } = await gatherClassMeans(scripted, batches(), {
      iterations: 3,
      seed: 1,
      sampling: { count: 24, objectShare: 0.5 },
    });
    expect(tf.memory().numTensors).to.equal(tensors);
    // Of each image: the objects themselves with what was proposed of them; the third class is never seen.
    expect([...counts]).to.deep.equal([3 * 2, 3 * (3 + 3), 0, 3 * (2 + 3)]);
    const dog = [(40 + 36 + 40) / 3, (36 + 40 + 40) / 3];
    const background = [(2 * (60 + 60) + 10) / 5, (2 * (10 + 60) + 9) / 5];
    expectClose([...found], [10, (9 + 10) / 2, ...dog, 0, 0, ...background], 1e-4);
    scripted.dispose();
  });

  it('are gathered over new samples of each batch and image, the same ones for the same seed', async () => {
    const levels = [Array.from({ length: 40 }, (_, at) => [at, 40, at + 0.5, 60])];
    const item = {
      ...(shapesBatch(0).items[0] ?? expect.fail('no image')),
      boxes: Float32Array.of(0, 0, 10, 10),
    };
    async function* batches(): AsyncGenerator<ReturnType<typeof shapesBatch>, void> {
      for (;;) yield await Promise.resolve({ ...shapesBatch(0), items: [item, item] });
    }
    const samples = async (seed: number): Promise<string[]> => {
      const scripted = scriptedDetector({ classes: 2, levels });
      const sampling = { count: 12, objectShare: 0.25 };
      await gatherClassMeans(scripted, batches(), { iterations: 2, seed, sampling });
      scripted.dispose();
      return scripted.asked.flat().map((boxes) => boxes.join());
    };
    const first = await samples(1);
    expect(new Set(first).size).to.equal(4);
    expect(await samples(1)).to.deep.equal(first);
    expect(await samples(2)).not.to.deep.equal(first);
  });

  it('are gathered over images in another detector’s normalisation', async () => {
    const teacher = tinyDetector({ pixels: { ...caffePixels, std: [57, 57, 57] } });
    let seen: number[] = [];
    const watched: Detector = {
      ...teacher,
      frozen(images) {
        seen = numbers(images);
        return teacher.frozen(images);
      },
    };
    const batch = shapesBatch(0, 1);
    // A pixel of red 200, green 100, blue 50.
    [200, 100, 50].forEach((value, c) => {
      batch.images[c] =
        (value - (torchvisionPixels.mean[c] ?? 0)) / (torchvisionPixels.std[c] ?? 1);
    });
    async function* batches(): AsyncGenerator<typeof batch, void> {
      for (;;) yield await Promise.resolve(batch);
    }
    const { proposals } = tinySampling;
    const gather = (pixels?: typeof torchvisionPixels): ReturnType<typeof gatherClassMeans> =>
      gatherClassMeans(watched, batches(), {
        iterations: 1,
        seed: 1,
        proposals,
        pixels,
      });
    await gather(torchvisionPixels);
    const own = [(50 - 103.53) / 57, (100 - 116.28) / 57, (200 - 123.675) / 57];
    expectClose(seen.slice(0, 3), own, 1e-5);
    await gather();
    expect(seen).to.deep.equal([...batch.images]);
    teacher.dispose();
  });

  it('are gathered over one batch at least, and of no endless ones for ever', async () => {
    async function* batches(): AsyncGenerator<ReturnType<typeof shapesBatch>, void> {
      for (let count = 0; count < 5; count++) yield await Promise.resolve(shapesBatch(0));
    }
    const teacher = tinyDetector();
    for (const iterations of [0, 1.5]) {
      const fault = await faultOf(() =>
        gatherClassMeans(teacher, batches(), { ...tinySampling, iterations }),
      );
      expect(fault).to.include({ where: 'iterations', found: String(iterations) });
    }
    teacher.dispose();
  });
});
