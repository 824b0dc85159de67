import { join } from 'node:path';
import { expect } from 'chai';
import type {
  CocoAnnotation,
  CocoAnnotations,
  CocoDetection,
} from '../../../lib/detection/coco/annotations';
import { evaluateCoco, precisionAt } from '../../../lib/detection/coco/evaluate';
import { statsText } from '../../../lib/detection/coco/results-form';
import { cocoEvalChecker } from '../../../lib/verify/detection';
import { faultOf } from '../../support/faults';

const exact = 1e-12;

/** Images 1 and 2 of 640 × 480 with objects of the categories 1 (cat) and 5 (dog). */
function truth(...objects: readonly Partial<CocoAnnotation>[]): CocoAnnotations {
  return {
    file: 'made up',
    categories: [
      { id: 1, name: 'cat' },
      { id: 5, name: 'dog' },
    ],
    images: [1, 2].map((id) => ({ id, fileName: `${id}.jpg`, width: 640, height: 480 })),
    annotations: objects.map((object, index) => ({
      id: index + 1,
      imageId: 1,
      categoryId: 1,
      box: [0, 0, 50, 50],
      area: 2500,
      crowd: false,
      ...object,
    })),
  };
}

function found(score: number, detection: Partial<CocoDetection> = {}): CocoDetection {
  return { imageId: 1, categoryId: 1, box: [0, 0, 50, 50], score, ...detection };
}

describe('COCO evaluation', () => {
  it('averages the interpolated precision over 101 recalls', () => {
    const groundTruth = truth({}, { box: [100, 100, 50, 50] });
    const { stats, byCategory, curves } = evaluateCoco(groundTruth, [
      found(0.9),
      found(0.8, { box: [300, 300, 50, 50] }),
      found(0.7, { box: [100, 100, 50, 50] }),
    ]);
    // Right, wrong, right: precision 1 up to recall 0.5 (51 of the recalls), then 2/3 up to recall 1.
    const expected = (51 + (50 * 2) / 3) / 101;
    expect(stats.AP).to.be.closeTo(expected, exact);
    expect(stats.AP50).to.be.closeTo(expected, exact);
    expect(stats.AR1).to.be.closeTo(0.5, exact);
    expect(stats.AR10).to.be.closeTo(1, exact);
    const curve = precisionAt(curves, 0.75, 1) ?? expect.fail('no curve');
    expect(curve).to.have.length(101);
    expect(curve[50]).to.be.closeTo(1, exact);
    expect(curve[51]).to.be.closeTo(2 / 3, exact);
    expect(curve[100]).to.be.closeTo(2 / 3, exact);
    expect(byCategory.map(({ name, objects, AP }) => [name, objects, AP < 0])).to.deep.equal([
      ['cat', 2, false],
      ['dog', 0, true],
    ]);
    expect(precisionAt(curves, 0.5, 5)).to.equal(undefined);
  });

  it('has no curve at another overlap', async () => {
    const { curves } = evaluateCoco(truth({}), [found(0.9)]);
    expect(precisionAt(curves, 0.55)?.[0]).to.be.closeTo(1, exact);
    const fault = await faultOf(() => precisionAt(curves, 0.52));
    expect(fault).to.include({ where: 'overlap', found: '0.52' });
  });

  it('leaves out objects of no category and on no image, as pycocotools does', () => {
    // Of three objects the first alone can be found; the others would make it 1 of 3.
    const { stats, byCategory } = evaluateCoco(truth({}, { categoryId: 9 }, { imageId: 9 }), [
      found(0.9),
    ]);
    expect(stats.AR100).to.equal(1);
    expect(byCategory.map(({ objects }) => objects)).to.deep.equal([1, 0]);
  });

  it('counts a box as right up to its own overlap', () => {
    // 50 × 50 against 50 × 32 inside of it: the overlap is 1600 / 2500 = 0.64, so right at 0.50, 0.55, 0.60.
    const { stats } = evaluateCoco(truth({}), [found(0.9, { box: [0, 0, 50, 32] })]);
    expect(stats.AP).to.be.closeTo(0.3, exact);
    expect(stats.AP50).to.be.closeTo(1, exact);
    expect(stats.AP75).to.equal(0);
  });

  it('takes the AP50 of a category at 0.50, and up to a hundred detections for AR100', () => {
    // 50 × 26 of 50 × 50: an overlap of 0.52, right at 0.50 alone.
    const { stats, byCategory } = evaluateCoco(truth({}), [
      ...Array.from({ length: 10 }, () => found(0.9, { box: [300, 300, 50, 50] })),
      found(0.8, { box: [0, 0, 50, 26] }),
    ]);
    expect(byCategory[0]?.AP50).to.be.closeTo(1 / 11, exact);
    expect(byCategory[0]?.AP).to.be.closeTo(0.1 / 11, exact);
    expect(stats.AR10).to.equal(0);
    expect(stats.AR100).to.be.closeTo(0.1, exact);
  });

  it('counts an overlap that is just a threshold', () => {
    const { stats, byCategory } = evaluateCoco(truth({}), [found(0.9, { box: [0, 0, 50, 25] })]);
    expect(stats.AP).to.be.closeTo(0.1, exact);
    expect(byCategory[0]?.AP).to.be.closeTo(0.1, exact);
    expect(byCategory[0]?.AP50).to.be.closeTo(1, exact);
  });

  it('lets one object be found once, by the surest', () => {
    const { stats } = evaluateCoco(truth({}, { box: [200, 200, 50, 50] }), [
      found(0.9),
      found(0.8),
      found(0.7, { box: [200, 200, 50, 50] }),
    ]);
    expect(stats.AP50).to.be.closeTo((51 + (50 * 2) / 3) / 101, exact);
  });

  it('takes the free object that overlaps most', () => {
    const { stats } = evaluateCoco(truth({ box: [0, 0, 50, 40] }, { box: [0, 0, 50, 50] }), [
      found(0.9),
      found(0.8, { box: [0, 0, 50, 40] }),
    ]);
    expect(stats.AP).to.be.closeTo(1, exact);
  });

  it('orders equal scores by image, then as they were given', () => {
    const right = found(0.5, { imageId: 2 });
    const wrong = found(0.5, { imageId: 2, box: [300, 300, 50, 50] });
    const groundTruth = truth({ imageId: 2 });
    expect(evaluateCoco(groundTruth, [right, wrong]).stats.AP50).to.be.closeTo(1, exact);
    expect(evaluateCoco(groundTruth, [wrong, right]).stats.AP50).to.be.closeTo(0.5, exact);
    const elsewhere = { ...wrong, imageId: 1 };
    expect(evaluateCoco(groundTruth, [right, elsewhere]).stats.AP50).to.be.closeTo(0.5, exact);
    const reversed = { ...groundTruth, images: [...groundTruth.images].reverse() };
    expect(evaluateCoco(reversed, [right, elsewhere]).stats.AP50).to.be.closeTo(0.5, exact);
  });

  it('counts neither crowds nor what is found in them', () => {
    const crowd = { box: [100, 100, 200, 200], area: 40_000, crowd: true } as const;
    const inside = [110, 140, 180].map((x) => found(0.95, { box: [x, 110, 50, 50] }));
    const { stats, byCategory } = evaluateCoco(truth({}, crowd), [...inside, found(0.9)]);
    expect(stats.AP).to.be.closeTo(1, exact);
    expect(byCategory[0]?.objects).to.equal(1);
    const alone = evaluateCoco(truth(crowd), inside);
    expect(alone.stats.AP).to.equal(-1);
  });

  it('counts what is found on an image without objects as wrong', () => {
    const { stats } = evaluateCoco(truth({}), [found(0.9, { imageId: 2 }), found(0.8)]);
    expect(stats.AP50).to.be.closeTo(0.5, exact);
  });

  it('gives 0 where nothing was found, and −1 where there is nothing to find', () => {
    expect(evaluateCoco(truth({}), []).stats).to.include({ AP: 0, AR100: 0, APs: -1, APm: 0 });
    expect(evaluateCoco(truth(), [found(1)]).stats).to.include({ AP: -1, AR1: -1 });
  });

  it('counts an area on the edge of two sizes in both', () => {
    const box = [0, 0, 32, 32] as const;
    const { stats } = evaluateCoco(truth({ box, area: 1024 }), [found(1, { box })]);
    expect(stats.APs).to.be.closeTo(1, exact);
    expect(stats.APm).to.be.closeTo(1, exact);
    expect(stats.APl).to.equal(-1);
  });

  it('leaves wrong boxes of another size out of a size’s precision', () => {
    const big = found(0.95, { box: [300, 200, 200, 200] });
    const { stats } = evaluateCoco(truth({}), [big, found(0.9)]);
    expect(stats.APm).to.be.closeTo(1, exact);
    expect(stats.AP50).to.be.closeTo(0.5, exact);
  });

  it('counts as many detections of an image as it is told to', () => {
    const detections = [found(0.9, { box: [300, 300, 50, 50] }), found(0.8)];
    const { stats } = evaluateCoco(truth({}), detections, { maxDetections: [1, 1, 1] });
    expect(stats).to.include({ AP: 0, AR1: 0, AR100: 0 });
  });

  it('counts 1, 10 and 100 detections of an image and category', () => {
    const shares = (wrong: number): number[] => {
      const before = Array.from({ length: wrong }, () => found(0.9, { box: [300, 300, 50, 50] }));
      const others = Array.from({ length: 200 }, () => found(0.99, { categoryId: 5 }));
      const { stats } = evaluateCoco(truth({}), [...others, ...before, found(0.8)]);
      return [stats.AR1, stats.AR10, stats.AR100];
    };
    // The object is found by the first one after so many wrong ones.
    for (const [wrong, expected] of [
      [0, [1, 1, 1]],
      [1, [0, 1, 1]],
      [9, [0, 1, 1]],
      [10, [0, 0, 1]],
      [99, [0, 0, 1]],
      [100, [0, 0, 0]],
    ] as const) {
      expect(shares(wrong), `after ${wrong}`).to.deep.equal(expected);
    }
    const boxes = Array.from({ length: 16 }, (_, at) => [30 * at, 0, 20, 20] as const);
    const { stats } = evaluateCoco(
      truth(...boxes.map((box) => ({ box, area: 400 }))),
      boxes.map((box) => found(0.5, { box })),
    );
    expect(stats).to.include({ AR1: 1 / 16, AR10: 10 / 16, AR100: 1, ARs: 1 });
  });

  it('gives each size its own precision and recall', () => {
    // Sides of 20, 50 and 200: one small one of two, all three medium, one large one of four.
    const sides = [20, 20, 50, 50, 50, 200, 200, 200, 200];
    const boxes = sides.map((side, at) => [300 * at, 0, side, side] as const);
    const { stats } = evaluateCoco(
      truth(...boxes.map((box) => ({ box, area: box[2] ** 2 }))),
      [0, 2, 3, 4, 5].map((at) => found(0.9, { box: boxes[at] ?? [0, 0, 1, 1] })),
    );
    expect(stats).to.include({ ARs: 1 / 2, ARm: 1, ARl: 1 / 4 });
    expect(stats.AR100).to.be.closeTo(5 / 9, exact);
    // All that was found is right: precision 1 up to the recall.
    expect(stats.APs).to.be.closeTo(51 / 101, exact);
    expect(stats.APm).to.be.closeTo(1, exact);
    expect(stats.APl).to.be.closeTo(26 / 101, exact);
    expect(stats.AP).to.be.closeTo(56 / 101, exact);
  });

  it('averages over the categories with objects', () => {
    const groundTruth = truth({}, { categoryId: 5 }, { categoryId: 5, box: [100, 100, 50, 50] });
    const { stats, byCategory, curves } = evaluateCoco(groundTruth, [
      found(0.9),
      found(0.9, { categoryId: 5 }),
    ]);
    expect(stats.AP50).to.be.closeTo((1 + 51 / 101) / 2, exact);
    expect(byCategory.map(({ objects }) => objects)).to.deep.equal([1, 2]);
    expect(byCategory[1]?.AP50).to.be.closeTo(51 / 101, exact);
    expect(precisionAt(curves, 0.5, 1)?.[80]).to.be.closeTo(1, exact);
    expect(precisionAt(curves, 0.5, 5)?.[80]).to.equal(0);
    expect(precisionAt(curves, 0.5)?.[80]).to.be.closeTo(0.5, exact);
  });

  it('evaluates the images it is told to', () => {
    const groundTruth = truth({}, { imageId: 2 });
    const detections = [found(0.9, { imageId: 2 })];
    expect(evaluateCoco(groundTruth, detections, { imageIds: [2] }).stats.AP).to.be.closeTo(
      1,
      exact,
    );
    expect(evaluateCoco(groundTruth, detections, { imageIds: [1] }).stats.AP).to.equal(0);
  });

  it('counts an object whose number is 0', () => {
    expect(evaluateCoco(truth({ id: 0 }), [found(0.9)]).stats.AP).to.be.closeTo(1, exact);
  });

  it('names detections that do not belong to the annotations', async () => {
    const detections = [
      found(0.5, { categoryId: 2 }),
      found(0.5, { imageId: 9 }),
      found(NaN),
      ...Array.from({ length: 6 }, () => found(0.5, { categoryId: 3 })),
    ];
    const fault = await faultOf(() => evaluateCoco(truth({}), detections));
    expect(fault.kind).to.equal('data');
    expect(fault.found).to.contain(
      'detections of unknown categories (7): detection 1: category 2, detection 4: category 3',
    );
    expect(fault.found).to.contain('and 4 more');
    expect(fault.found).to.contain('not in the annotations (1): detection 2: image 9');
    expect(fault.found).to.contain('a number that is none (1): detection 3');
  });

  it('says its twelve figures in pycocotools’ words', () => {
    const stats = {
      ...{ AP: 0.3155, AP50: 0.52, AP75: 0.33, APs: -1, APm: 0.35, APl: 0.46 },
      ...{ AR1: 0.27, AR10: 0.48, AR100: 0.59, ARs: 0, ARm: 0.62, ARl: 1 },
    };
    const most = (count: string): string => `at most ${count} an image and category`;
    expect(statsText(stats).split('\n')).to.deep.equal([
      `AP     0.316  Precision at IoU 0.50:0.95, all sizes, ${most('100 detections')}`,
      `AP50   0.520  Precision at IoU 0.50, all sizes, ${most('100 detections')}`,
      `AP75   0.330  Precision at IoU 0.75, all sizes, ${most('100 detections')}`,
      `APs    no such object  Precision at IoU 0.50:0.95, small sizes, ${most('100 detections')}`,
      `APm    0.350  Precision at IoU 0.50:0.95, medium sizes, ${most('100 detections')}`,
      `APl    0.460  Precision at IoU 0.50:0.95, large sizes, ${most('100 detections')}`,
      `AR1    0.270  Recall at IoU 0.50:0.95, all sizes, ${most('1 detection')}`,
      `AR10   0.480  Recall at IoU 0.50:0.95, all sizes, ${most('10 detections')}`,
      `AR100  0.590  Recall at IoU 0.50:0.95, all sizes, ${most('100 detections')}`,
      `ARs    0.000  Recall at IoU 0.50:0.95, small sizes, ${most('100 detections')}`,
      `ARm    0.620  Recall at IoU 0.50:0.95, medium sizes, ${most('100 detections')}`,
      `ARl    1.000  Recall at IoU 0.50:0.95, large sizes, ${most('100 detections')}`,
    ]);
  });

  it('gives pycocotools’ figures of the reference files', async () => {
    const cases = cocoEvalChecker.cases(
      join(__dirname, '..', '..', 'fixtures', 'reference', 'coco-eval'),
    );
    expect(cases.map(({ name }) => name)).to.deep.equal(['large', 'small']);
    for (const { name, run } of cases) {
      expect((await run()).mismatches, name).to.deep.equal([]);
    }
  });
});
