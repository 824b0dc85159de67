import { expect } from 'chai';
import sharp from 'sharp';
import type { CocoBox, CocoDetection } from '../../../lib/detection/coco/annotations';
import { datasetOf } from '../../../lib/detection/coco/load';
import { categoryColour } from '../../../lib/report/pictures/colours';
import { drawDetections } from '../../../lib/report/pictures/detection-picture';
import { faultOf } from '../../support/faults';

const white = [255, 255, 255];

/** Two grey images of 120 × 90, of the first with two objects of one class. */
const dataset = datasetOf({
  name: 'grey',
  groundTruth: {
    file: 'made up',
    categories: [
      { id: 3, name: 'cat' },
      { id: 7, name: 'dog' },
    ],
    images: [1, 2].map((id) => ({ id, fileName: `${id}.png`, width: 120, height: 90 })),
    annotations: [
      { id: 1, imageId: 1, categoryId: 7, box: [10, 20, 40, 30], area: 1200, crowd: false },
      { id: 2, imageId: 1, categoryId: 7, box: [70, 40, 40, 30], area: 1200, crowd: false },
    ],
  },
  hash: '',
  notes: [],
  decode: ({ width, height }) =>
    Promise.resolve({ pixels: new Uint8Array(3 * width * height).fill(128), width, height }),
});

describe('a picture of detections', () => {
  const right: CocoDetection = { imageId: 1, categoryId: 7, box: [10, 20, 40, 30], score: 0.9 };
  const own = channels(categoryColour(1));

  it('shows the ground truth and each detector’s boxes in the category’s colour', async () => {
    const picture = await drawDetections(dataset, 1, [
      { title: 'teacher', detections: [right] },
      { title: 'student', detections: [{ ...right, score: 0.1 }] },
    ]);
    expect(picture.mime).to.equal('image/png');
    const { data, info } = await sharp(picture.bytes).raw().toBuffer({ resolveWithObject: true });
    expect([info.width, info.height]).to.deep.equal([picture.width, picture.height]);
    // Three panels of 360 × 270 with 12 pixels between them; the head is 3.4 lines of 12 high.
    expect([picture.width, picture.height]).to.deep.equal([3 * 360 + 4 * 12, 41 + 270 + 24]);
    const ownPixels = [0, 1, 2].map((panel) => {
      const left = 12 + panel * 372;
      const inside = Array.from({ length: 360 * 270 }, (_, at) =>
        pixel(data, info.width, left + (at % 360), 41 + Math.floor(at / 360)),
      );
      return inside.filter((found) => found.join() === own.join()).length;
    });
    // Two objects, one box, none: of each the lines and the ground of the label.
    const [truth = 0, teacher = 0, student = 0] = ownPixels;
    expect(teacher).to.be.above(2 * 3 * (40 + 30));
    expect(truth).to.be.above(1.5 * teacher);
    expect(student).to.equal(0);
  });

  it('draws a box at its place, whole where it is right, dashed where it is wrong', async () => {
    // The only object is found by the first panel; the second's box is beside it.
    const [first] = dataset.groundTruth.annotations;
    const one = {
      ...dataset,
      groundTruth: { ...dataset.groundTruth, annotations: first ? [first] : [] },
    };
    const wrong = { ...right, box: [60, 40, 40, 30] as const };
    const { bytes } = await drawDetections(one, 1, [
      { title: 'right', detections: [right] },
      { title: 'wrong', detections: [wrong] },
    ]);
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    const isOwn = (panel: number, x: number, y: number): boolean =>
      pixel(data, info.width, 12 + 372 * panel + x, 41 + y).join() === own.join();
    // Three pixels of the picture for one of the image. The lower edge and the right one, without their corners.
    const edges = (panel: number, [left, top, width, height]: CocoBox): boolean[] => [
      ...Array.from({ length: 3 * width - 12 }, (_, at) =>
        isOwn(panel, 3 * left + 6 + at, 3 * (top + height)),
      ),
      ...Array.from({ length: 3 * height - 12 }, (_, at) =>
        isOwn(panel, 3 * (left + width), 3 * top + 6 + at),
      ),
    ];
    expect(edges(1, right.box).every(Boolean)).to.equal(true);
    const share = edges(2, wrong.box).filter(Boolean).length / edges(2, wrong.box).length;
    // Three parts of line, two of gap.
    expect(share).to.be.within(0.4, 0.75);
    // What reaches beyond the image is cut: between the panels all is white.
    const beyond = { ...right, box: [100, 40, 40, 30] as const };
    const cut = await drawDetections(one, 1, [{ title: 'beyond', detections: [beyond] }]);
    const drawn = await sharp(cut.bytes).raw().toBuffer({ resolveWithObject: true });
    for (let y = 41; y < 41 + 270; y++) {
      expect(pixel(drawn.data, drawn.info.width, 12 + 372 + 360 + 6, y)).to.deep.equal(white);
    }
  });

  it('tells in words what is right', async () => {
    const wrong = { ...right, box: [0, 0, 4, 4] as const, score: 0.8 };
    const { description } = await drawDetections(dataset, 1, [
      { title: 'teacher', detections: [right, wrong, { ...right, imageId: 2 }] },
      { title: 'student', detections: [{ ...right, score: 0.49 }] },
    ]);
    expect(description).to.equal(
      'image 1 (1.png): ground truth: 2 objects; teacher: 1 of 2 found, 1 wrong; student: 0 of 2 found, 0 wrong',
    );
  });

  it('shows the 20 surest boxes of 0.5 and more, right from an overlap of 0.5 on', async () => {
    const wrong = Array.from({ length: 25 }, () => ({ ...right, box: [0, 0, 4, 4] as const }));
    // 40 × 15 and 40 × 14 inside of 40 × 30.
    const half = { ...right, box: [10, 20, 40, 15] as const };
    const less = { ...right, box: [10, 20, 40, 14] as const };
    const { description } = await drawDetections(dataset, 1, [
      { title: 'a', detections: [...wrong, { ...right, score: 0.8 }] },
      { title: 'b', detections: [half, { ...less, score: 0.5 }] },
    ]);
    expect(description).to.equal(
      'image 1 (1.png): ground truth: 2 objects; a: 0 of 2 found, 20 wrong; b: 1 of 2 found, 1 wrong',
    );
  });

  it('does not count crowds among what is to be found', async () => {
    const [first, second] = dataset.groundTruth.annotations;
    if (!first || !second) return expect.fail('no objects');
    const crowded = {
      ...dataset,
      groundTruth: { ...dataset.groundTruth, annotations: [first, { ...second, crowd: true }] },
    };
    const inside = { ...right, box: [72, 42, 10, 10] as const };
    const { description } = await drawDetections(crowded, 1, [
      { title: 'a', detections: [right, inside] },
    ]);
    expect(description).to.equal(
      'image 1 (1.png): ground truth: 1 object, 1 crowd; a: 1 of 1 found, 0 wrong',
    );
  });

  it('is the same every time, small as JPEG, and shows the ground truth alone where asked', async () => {
    const draw = async (): Promise<string> =>
      (await drawDetections(dataset, 2, [])).bytes.toString('base64');
    expect(await draw()).to.equal(await draw());
    const { bytes, mime } = await drawDetections(dataset, 2, [], {
      format: 'jpeg',
      panelSide: 120,
    });
    expect(mime).to.equal('image/jpeg');
    expect((await sharp(bytes).metadata()).format).to.equal('jpeg');
  });

  it('has letters', async () => {
    const { bytes } = await drawDetections(dataset, 1, []);
    const { data, info } = await sharp(bytes).raw().toBuffer({ resolveWithObject: true });
    const head = Array.from({ length: info.width * 30 }, (_, at) =>
      pixel(data, info.width, at % info.width, Math.floor(at / info.width)),
    );
    expect(head.filter((found) => found.join() !== white.join()).length).to.be.above(200);
  });

  it('names an image that is not there', async () => {
    const fault = await faultOf(() => drawDetections(dataset, 99, []));
    expect(fault).to.include({ kind: 'option', where: 'grey', found: '2 images: 1, 2' });
  });

  it('has colours that black letters can be read on', () => {
    for (let place = 0; place < 90; place++) {
      const [red = 0, green = 0, blue = 0] = channels(categoryColour(place)).map((value) => {
        const share = value / 255;
        return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      const contrast = (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05) / 0.05;
      expect(contrast, `place ${place}`).to.be.above(5);
    }
    const colours = Array.from({ length: 80 }, (_, place) => categoryColour(place));
    expect(new Set(colours).size).to.equal(80);
  });
});

function channels(hex: string): number[] {
  return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
}

function pixel(data: Uint8Array, width: number, x: number, y: number): number[] {
  return [...data.subarray(3 * (y * width + x), 3 * (y * width + x) + 3)];
}
