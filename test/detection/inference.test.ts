import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { loadCoco } from '../../lib/detection/coco/load';
import { detectDataset, detectObjects } from '../../lib/detection/inference';
import { smallCocoFile, writeCocoFile, writeCocoImages } from '../support/coco-files';
import { type Answer, scriptedDetector, shapesBatch, tinyDetector } from '../support/detector';
import { engines, withEngine } from '../support/engine';
import { withFolder } from '../support/folder';

for (const engine of engines) {
  describe(`detections (${engine})`, () => {
    withEngine(engine);

    // 200 × 100 after resizing, 400 × 50 before: edges become twice in x, half in y.
    const wide = { height: 100, width: 200, originalHeight: 50, originalWidth: 400 };
    const small = { height: 36, width: 60, originalHeight: 36, originalWidth: 60 };
    /** What `detectObjects` finds, an image a list of `label score left top right bottom`. */
    function found(
      levels: readonly number[][][],
      say: (box: readonly number[]) => Answer,
      items: Parameters<typeof detectObjects>[2],
      options: Parameters<typeof detectObjects>[3] = {},
    ): string[][] {
      const detector = scriptedDetector({ classes: 2, levels, say });
      const images = tf.zeros<tf.Rank.R4>([items.length, 128, 224, 3]);
      const lists = detectObjects(detector, images, items, options).map(
        ({ boxes, labels, scores }) =>
          [...labels].map((label, index) =>
            [
              label,
              scores[index]?.toFixed(2),
              ...Array.from(boxes.subarray(4 * index, 4 * index + 4), (edge) => edge.toFixed(1)),
            ].join(' '),
          ),
      );
      images.dispose();
      detector.dispose();
      return lists;
    }

    it('are above 0.05, thinned out at 0.5 within their class, cut, and scaled back in x and y', () => {
      // By place: probabilities of the two classes, dx dy dw dh of each class.
      const script: Record<string, Answer> = {
        // Of both classes: neither suppresses the other.
        '20 10 60 50': { scores: [0.6, 0.3] },
        // 21 / 40 of the first: suppressed in class 0; too low in class 1.
        '20 10 60 31': { scores: [0.5, 0.04] },
        // Just half of the first: stays.
        '40 10 60 50': { scores: [0.06, 0.04] },
        // Class 1's own step: right by 5 / 10 of 40, 2 times as high: 120 … 160, 20 … 100.
        '100 40 140 80': { scores: [0.02, 0.9], deltas: [0, 0, 0, 0, 5, 0, 0, 5 * Math.LN2] },
        // Down by 5 / 10 of 40, so that 80 … 100 is left inside.
        '0 60 40 100': { scores: [0.2], deltas: [0, 5] },
        // A whole width to the right, where nothing of the image is left.
        '170 60 200 100': { scores: [0.95], deltas: [10] },
        // In the second image, where the others are cut at 60 × 36 or lie outside.
        '20 10 60 36': { scores: [0, 0.7] },
        '40 10 60 36': { scores: [0.8] },
      };
      const anchors = Object.keys(script).map((place) => place.split(' ').map(Number));
      const levels = [anchors.slice(0, 6)];
      const say = (box: readonly number[]): Answer => script[box.join(' ')] ?? {};
      const [first, second] = found(levels, say, [wide, small]);
      expect(first).to.deep.equal([
        '1 0.90 240.0 10.0 320.0 50.0',
        '0 0.60 40.0 5.0 120.0 25.0',
        '1 0.30 40.0 5.0 120.0 25.0',
        '0 0.20 0.0 40.0 80.0 50.0',
        '0 0.06 80.0 5.0 120.0 25.0',
      ]);
      expect(second).to.deep.equal(['0 0.80 40.0 10.0 60.0 36.0', '1 0.70 20.0 10.0 60.0 36.0']);
      const some = (options: Parameters<typeof found>[3]): string[] =>
        (found(levels, say, [wide], options)[0] ?? []).map((line) => line.slice(0, 6));
      expect(some({ leastScore: 0.25 })).to.deep.equal(['1 0.90', '0 0.60', '1 0.30']);
      // The one outside is dropped last, as in detectron2, and takes a place before.
      expect(some({ most: 2 })).to.deep.equal(['1 0.90']);
      expect(some({ threshold: 0.6, leastScore: 0.4 })).to.deep.equal([
        '1 0.90',
        '0 0.60',
        '0 0.50',
      ]);
    });

    it('are 100 an image at most, the surest of all classes', () => {
      // 60 places side by side, each of both classes: class 1 always a little less sure.
      const boxes = Array.from({ length: 60 }, (_, at) => [3 * at, 0, 3 * at + 2, 9]);
      const say = ([left = 0]: readonly number[]): Answer => ({
        scores: [0.5 - left / 1000, 0.4 - left / 1000],
      });
      const [first = []] = found([boxes], say, [wide]);
      expect(first).to.have.length(100);
      // Scores of 0.5 down to 0.323 and of 0.4 down to 0.223: the 20 lowest are of class 1.
      const labels = first.map((line) => line[0]);
      expect(labels.filter((label) => label === '1').length).to.equal(60 - 20);
    });
  });
}

describe('the detections of a data set', () => {
  withEngine('native');
  const folder = withFolder();

  it('have the data set’s own numbers, left, top, width and height in the image’s own pixels', async () => {
    // Two images of 64 × 48, read at 128 × 96; label 0 is category 3, label 1 category 7.
    const content = smallCocoFile();
    const images = await writeCocoImages(folder(), content);
    const dataset = loadCoco({ annotations: writeCocoFile(folder(), content), images });
    const script: Record<string, Answer> = {
      '20 10 60 50': { scores: [0, 0.75] },
      '80 40 120 80': { scores: [0.5, 0] },
    };
    const detector = scriptedDetector({
      classes: 2,
      levels: [Object.keys(script).map((place) => place.split(' ').map(Number))],
      say: (box) => script[box.join(' ')] ?? {},
    });
    const done: string[] = [];
    const found = await detectDataset(detector, dataset, {
      batchSize: 1,
      shortSide: 96,
      longest: 200,
      onImages: (count, total) => done.push(`${count} of ${total}`),
    });
    const expected = [11, 12].flatMap((imageId) => [
      { imageId, categoryId: 7, box: [10, 5, 20, 20], score: 0.75 },
      { imageId, categoryId: 3, box: [40, 20, 20, 20], score: 0.5 },
    ]);
    const rounded = found.map((one) => ({ ...one, score: Number(one.score.toFixed(6)) }));
    expect(rounded).to.deep.equal(expected);
    expect(done).to.deep.equal(['1 of 2', '2 of 2']);
    detector.dispose();
  });
});

describe('the detections of a network', () => {
  withEngine('native');

  it('are boxes inside the image as it was, of scores above the least, and the same each time', () => {
    const detector = tinyDetector();
    const { images, height, width, items } = shapesBatch(3);
    const tensor = tf.tensor4d(images, [items.length, height, width, 3]);
    const before = tf.memory().numTensors;
    const find = (): ReturnType<typeof detectObjects> =>
      detectObjects(detector, tensor, items, { leastScore: 0.3, most: 5 });
    const found = find();
    expect(tf.memory().numTensors).to.equal(before);
    expect(found.length).to.equal(2);
    for (const { boxes, labels, scores } of found) {
      expect(scores.length).to.be.within(1, 5);
      expect(boxes.length).to.equal(4 * labels.length);
      expect(scores.every((score) => score > 0.3)).to.equal(true);
      expect([...scores]).to.deep.equal([...scores].sort((a, b) => b - a));
      expect(boxes.every((edge) => edge >= 0 && edge <= 128)).to.equal(true);
    }
    expect(find()).to.deep.equal(found);
    tensor.dispose();
    detector.dispose();
  });
});
