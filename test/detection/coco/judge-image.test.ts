import { expect } from 'chai';
import type {
  CocoAnnotation,
  CocoBox,
  CocoDetection,
} from '../../../lib/detection/coco/annotations';
import { judgeImage } from '../../../lib/detection/coco/judgement';

function object(id: number, box: CocoBox, given: Partial<CocoAnnotation> = {}): CocoAnnotation {
  return { id, imageId: 1, categoryId: 1, box, area: box[2] * box[3], crowd: false, ...given };
}

function found(score: number, box: CocoBox, categoryId = 1): CocoDetection {
  return { imageId: 1, categoryId, box, score };
}

const verdicts = (
  objects: readonly CocoAnnotation[],
  detections: readonly CocoDetection[],
  leastOverlap?: number,
): [number, string][] =>
  judgeImage(objects, detections, leastOverlap).detections.map(({ detection, verdict }) => [
    detection.score,
    verdict,
  ]);

describe('what is right in an image', () => {
  const box: CocoBox = [0, 0, 40, 40];

  it('is the surest box of the class that overlaps an object by the least overlap', () => {
    // 40 × 20 inside of 40 × 40: the overlap is just 0.5.
    expect(verdicts([object(1, box)], [found(0.4, box), found(0.9, [0, 0, 40, 20])])).to.deep.equal(
      [
        [0.9, 'right'],
        [0.4, 'wrong'],
      ],
    );
    expect(verdicts([object(1, box)], [found(0.9, [0, 0, 40, 20])], 0.75)).to.deep.equal([
      [0.9, 'wrong'],
    ]);
  });

  it('is no box of another class, and what nothing found is missed', () => {
    const { detections, missed } = judgeImage([object(7, box)], [found(0.9, box, 2)]);
    expect(detections.map(({ verdict }) => verdict)).to.deep.equal(['wrong']);
    expect(missed.map(({ id }) => id)).to.deep.equal([7]);
  });

  it('is judged by the object that overlaps most', () => {
    const objects = [object(1, [0, 0, 40, 36]), object(2, box)];
    expect(judgeImage(objects, [found(0.9, box)]).missed.map(({ id }) => id)).to.deep.equal([1]);
  });

  it('does not count what lies in a crowd, however much it is', () => {
    const crowd = object(1, [0, 0, 200, 200], { crowd: true });
    const { detections, missed } = judgeImage(
      [crowd],
      [found(0.9, box), found(0.8, [50, 50, 9, 9])],
    );
    expect(detections.map(({ verdict }) => verdict)).to.deep.equal(['crowd', 'crowd']);
    expect(missed).to.deep.equal([]);
  });
});
