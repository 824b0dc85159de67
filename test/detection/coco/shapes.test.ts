import { expect } from 'chai';
import type { CocoBox } from '../../../lib/detection/coco/annotations';
import type { CocoDataset } from '../../../lib/detection/coco/data';
import { coversShape, shapeKinds, shapesDataset } from '../../../lib/detection/coco/shapes';
import { sha256 } from '../../../lib/files';
import { faultOf } from '../../support/faults';

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

  it('fill their box as a disc, a square or a triangle does', () => {
    const box: CocoBox = [10, 20, 100, 200];
    // Where in the box: the middle; near a corner; a fifth from it; left of the bottom; beyond.
    for (const [across, down, kinds] of [
      [0.5, 0.5, ['disc', 'square', 'triangle']],
      [0.1, 0.1, ['square']],
      [0.2, 0.2, ['disc', 'square']],
      [0.1, 0.95, ['square', 'triangle']],
      [1.05, 0.5, []],
      [0.5, 1.05, []],
    ] as const) {
      const covering = shapeKinds.filter((kind) =>
        coversShape(kind, box, 10 + 100 * across, 20 + 200 * down),
      );
      expect(covering, `${across} ${down}`).to.deep.equal(kinds);
    }
  });

  it('are drawn where and what their annotations say', async () => {
    const set = shapesDataset({ images: 8, seed: 4 });
    const seen = new Set<number>();
    for (const entry of set.entries) {
      const { pixels, width } = await set.decode(entry);
      const distance = (a: readonly number[], b: readonly number[]): number => {
        const at = ([x = 0, y = 0]: readonly number[]): number => 3 * (y * width + x);
        return [0, 1, 2].reduce(
          (sum, c) => sum + Math.abs((pixels[at(a) + c] ?? 0) - (pixels[at(b) + c] ?? 0)),
          0,
        );
      };
      for (const { imageId, categoryId, box, area } of set.groundTruth.annotations) {
        if (imageId !== entry.id) continue;
        const [x, y, w, h] = box;
        expect(area).to.equal(w * h);
        const middle = [x + Math.floor(w / 2), y + Math.floor(h / 2)];
        // Noise makes two pixels of one colour differ by 90 at most, colours differ by more than 200.
        const [top, bottom] = [y, y + h - 1].map((row) => distance(middle, [x, row]) < 100);
        expect([top, bottom]).to.deep.equal(
          { 1: [false, false], 2: [true, true], 4: [false, true] }[categoryId],
        );
        seen.add(categoryId);
      }
    }
    expect(seen.size).to.equal(3);
  });

  it('refuse to be none', async () => {
    expect((await faultOf(() => shapesDataset({ images: 0, seed: 1 }))).kind).to.equal('option');
  });
});

async function pixelHash(set: CocoDataset): Promise<string> {
  return sha256((await set.decode(set.entries[0] ?? expect.fail('no image'))).pixels);
}
