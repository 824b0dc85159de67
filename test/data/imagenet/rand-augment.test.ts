import { expect } from 'chai';
import {
  applyOperation,
  type OperationName,
  operationNames,
  randAugment,
} from '../../../lib/data/imagenet/rand-augment';
import type { Pixels } from '../../../lib/data/resample';
import { random } from '../../../lib/engine/random';
import { scripted } from '../../support/scripted';

const fill = [124, 116, 104] as const;
const around = { interpolation: 'bilinear', fill } as const;

/** An image whose three channels are all these levels. */
function grey(...rows: readonly (readonly number[])[]): Pixels {
  const levels = rows.flat();
  const data = Uint8Array.from(levels.flatMap((level) => [level, level, level]));
  return { data, width: rows[0]?.length ?? 0, height: rows.length };
}

/** The rows of one channel. */
function rowsOf({ data, width, height }: Pixels, channel = 0): number[][] {
  return Array.from({ length: height }, (_, y) =>
    Array.from({ length: width }, (_, x) => data[(y * width + x) * 3 + channel] ?? -1),
  );
}

function apply(name: OperationName, pixels: Pixels, magnitude: number, sign: 1 | -1 = 1): Pixels {
  return applyOperation(name, pixels, { ...around, magnitude, sign });
}

describe('RandAugment’s operation', () => {
  const levels = grey([0, 100, 150, 255]);

  it('Invert takes levels from 255', () => {
    expect(rowsOf(apply('Invert', levels, 9))).to.deep.equal([[255, 155, 105, 0]]);
  });

  it('PosterizeIncreasing keeps four bits less than the magnitude takes', () => {
    // 4 − ⌊0.9 × 4⌋ = 1 bit; 4 − ⌊0.2 × 4⌋ = 4 bits; none at 10.
    expect(rowsOf(apply('PosterizeIncreasing', levels, 9))).to.deep.equal([[0, 0, 128, 128]]);
    expect(rowsOf(apply('PosterizeIncreasing', levels, 2))).to.deep.equal([[0, 96, 144, 240]]);
    expect(rowsOf(apply('PosterizeIncreasing', levels, 10))).to.deep.equal([[0, 0, 0, 0]]);
  });

  it('SolarizeIncreasing inverts from a threshold on', () => {
    // 256 − ⌊0.5 × 256⌋ = 128.
    expect(rowsOf(apply('SolarizeIncreasing', levels, 5))).to.deep.equal([[0, 100, 105, 0]]);
  });

  it('SolarizeAdd adds to levels below 128', () => {
    // ⌊0.9 × 110⌋ = 99.
    expect(rowsOf(apply('SolarizeAdd', levels, 9))).to.deep.equal([[99, 199, 150, 255]]);
  });

  it('AutoContrast spreads each channel from 0 to 255', () => {
    // (level − 50) × 255/100, cut off: 75 → 63.75.
    expect(rowsOf(apply('AutoContrast', grey([50, 75, 150]), 9))).to.deep.equal([[0, 63, 255]]);
    expect(rowsOf(apply('AutoContrast', grey([9, 9]), 9))).to.deep.equal([[9, 9]]);
  });

  it('Equalize makes the levels even', () => {
    // 1024 pixels of each of two levels: a step of ⌊1024/255⌋ = 4; (2 + 0)/4 = 0 and (2 + 1024)/4 = 256.
    const half = (level: number): number[] => Array.from({ length: 1024 }, () => level);
    const even = rowsOf(apply('Equalize', grey([...half(10), ...half(20)]), 9))[0] ?? [];
    expect([even[0], even[1024]]).to.deep.equal([0, 255]);
    // Half a step counts too: (2 + 510)/4 = 128 for the second of 510, 514 and 1024 pixels.
    const row = [...half(10).slice(514), ...half(20).slice(510), ...half(30)];
    const uneven = rowsOf(apply('Equalize', grey(row), 9))[0] ?? [];
    expect([uneven[0], uneven[510], uneven[1024]]).to.deep.equal([0, 128, 255]);
  });

  it('BrightnessIncreasing and ContrastIncreasing scale from black and from the mean', () => {
    // Factor 1 + 0.9 × 5/10 = 1.45, the other way 0.55.
    const pixels = grey([40, 100]);
    expect(rowsOf(apply('BrightnessIncreasing', pixels, 5))).to.deep.equal([[58, 145]]);
    expect(rowsOf(apply('BrightnessIncreasing', pixels, 5, -1))).to.deep.equal([[22, 55]]);
    // Mean 70: 70 − 43.5 and 70 + 43.5, cut off.
    expect(rowsOf(apply('ContrastIncreasing', pixels, 5))).to.deep.equal([[26, 113]]);
  });

  it('ColorIncreasing leaves grey as it is and drives colours apart', () => {
    expect(rowsOf(apply('ColorIncreasing', levels, 9))).to.deep.equal(rowsOf(levels));
    const red = { data: Uint8Array.of(200, 100, 100), width: 1, height: 1 };
    // Luma 0.299 × 200 + 0.701 × 100 = 129.9, rounded 130; 130 + 1.45 × 70 and 130 − 1.45 × 30.
    expect([...apply('ColorIncreasing', red, 5).data]).to.deep.equal([231, 86, 86]);
    // Luma of pure red, green and blue: 0.299, 0.587 and 0.114 of 255. Factor 0.1: nine tenths of it, and 25.5 more.
    const pure = { data: Uint8Array.of(255, 0, 0, 0, 255, 0, 0, 0, 255), width: 3, height: 1 };
    const [red9, green9, blue9] = [0.9 * 76, 0.9 * 150, 0.9 * 29];
    expect([...apply('ColorIncreasing', pure, 10, -1).data]).to.deep.equal(
      [
        ...[red9 + 25.5, red9, red9],
        ...[green9, green9 + 25.5, green9],
        ...[blue9, blue9, blue9 + 25.5],
      ].map(Math.floor),
    );
  });

  it('SharpnessIncreasing moves a pixel away from the mean about it, not at the edge', () => {
    const spot = grey([10, 10, 10], [10, 75, 10], [10, 10, 10]);
    // Smooth: (8 × 10 + 5 × 75)/13 = 35; 35 + 1.45 × 40 = 93.
    expect(rowsOf(apply('SharpnessIncreasing', spot, 5))[1]).to.deep.equal([10, 93, 10]);
    // (8 × 10 + 5 × 82)/13 = 37.7, rounded 38; 38 + 1.45 × 44 = 101.8.
    const other = grey([10, 10, 10], [10, 82, 10], [10, 10, 10]);
    expect(rowsOf(apply('SharpnessIncreasing', other, 5))[1]).to.deep.equal([10, 101, 10]);
  });

  it('TranslateXRel and TranslateYRel move by up to 0.45 of the side and fill with the mean colour', () => {
    const row = grey([0, 10, 20, 30, 40, 50, 60, 70, 80, 90]);
    // 0.45 × 8/9 of 10 columns: 4.
    const moved = apply('TranslateXRel', row, 80 / 9);
    expect(rowsOf(moved)).to.deep.equal([[40, 50, 60, 70, 80, 90, 124, 124, 124, 124]]);
    expect(rowsOf(moved, 2)[0]?.slice(6)).to.deep.equal([104, 104, 104, 104]);
    const column = grey([1], [2], [3], [4], [5], [6], [7], [8], [9], [10]);
    const up = apply('TranslateYRel', column, 80 / 9, -1);
    expect(rowsOf(up).flat()).to.deep.equal([124, 124, 124, 124, 1, 2, 3, 4, 5, 6]);
  });

  it('TranslateXRel looks up between pixels, by halves or with the cubic kernel of a = −1', () => {
    // 0.45 × 10/10 of 10 columns: 4.5. Halves of a level are cut off.
    const one = grey([0, 0, 0, 0, 0, 0, 101, 0, 0, 0]);
    const [halves] = rowsOf(apply('TranslateXRel', one, 10));
    expect(halves?.slice(0, 5)).to.deep.equal([0, 50, 50, 0, 0]);
    // In the middle between two of four pixels: weights −1/8, 5/8, 5/8 and −1/8 of 80 more than 100.
    const spike = grey([100, 100, 100, 100, 100, 100, 100, 180, 100, 100]);
    const cubic = { interpolation: 'bicubic', fill, magnitude: 10, sign: 1 } as const;
    expect(rowsOf(applyOperation('TranslateXRel', spike, cubic))).to.deep.equal([
      [100, 90, 150, 150, 90, 124, 124, 124, 124, 124],
    ]);
  });

  it('ShearX moves rows in proportion to their height', () => {
    // 0.3 × 10/10 of a pixel a row: row centres at 0.5 and 1.5 move by 0.15 and 0.45.
    const sheared = apply('ShearX', grey([0, 100, 200], [0, 100, 200]), 10);
    expect(rowsOf(sheared)).to.deep.equal([
      [15, 115, 200],
      [45, 145, 200],
    ]);
  });

  it('ShearY moves columns in proportion to their place', () => {
    const sheared = apply('ShearY', grey([0, 0], [100, 100], [200, 200]), 10);
    expect(rowsOf(sheared)).to.deep.equal([
      [15, 45],
      [115, 145],
      [200, 200],
    ]);
  });

  it('Rotate turns about the middle and fills what comes from outside', () => {
    const flat = grey(...Array.from({ length: 9 }, () => Array.from({ length: 9 }, () => 70)));
    const turned = rowsOf(apply('Rotate', flat, 9));
    // 27 degrees: the corners come from outside, the middle does not change.
    expect(turned[0]?.[0]).to.equal(124);
    expect(turned[4]?.slice(1, 8)).to.deep.equal([70, 70, 70, 70, 70, 70, 70]);
  });

  it('Rotate turns counterclockwise for a positive sign', () => {
    // Bright on the right of the middle row: after a turn counterclockwise it lies higher on the right.
    const size = 21;
    const bar = grey(
      ...Array.from({ length: size }, (_, y) =>
        Array.from({ length: size }, (_, x) => (y === 10 && x > 10 ? 255 : 0)),
      ),
    );
    const [up, down] = ([1, -1] as const).map((sign) => rowsOf(apply('Rotate', bar, 10, sign)));
    // 30 degrees at a distance of 8: 7 to the right, 4 up.
    expect(up?.[6]?.[17]).to.be.above(100);
    expect(up?.[14]?.[17]).to.equal(0);
    expect(down?.[14]?.[17]).to.be.above(100);
  });
});

describe('RandAugment', () => {
  const options = { magnitude: 9, deviation: 0.5, operations: 2 };
  const pixels = grey([0, 100, 150, 255]);

  it('has timm’s 15 operations in its order', () => {
    expect(operationNames).to.have.length(15);
    expect(operationNames.slice(0, 5)).to.deep.equal([
      'AutoContrast',
      'Equalize',
      'Invert',
      'Rotate',
      'PosterizeIncreasing',
    ]);
  });

  it('applies an operation with probability ½ at a magnitude from 0 to 10', () => {
    // The third of 15 passed over; the seventh (SolarizeAdd) at 9 + 0.5 × 9 → 10: adds 110.
    const draws = scripted(2.5 / 15, 0.6, 6.5 / 15, 0.4, 9, 0.2);
    expect(rowsOf(randAugment(pixels, draws, options, around))).to.deep.equal([
      [110, 210, 150, 255],
    ]);
  });

  it('applies two operations after one another', () => {
    // Invert, then SolarizeAdd at 9 − 0.5 × 18 = 0: adds nothing.
    const draws = scripted(2.5 / 15, 0.1, 0, 0.9, 6.5 / 15, 0.1, -18, 0.9);
    expect(rowsOf(randAugment(pixels, draws, options, around))).to.deep.equal([[255, 155, 105, 0]]);
  });

  it('gives the same for the same stream', () => {
    const once = randAugment(pixels, random(1, 'x'), options, around);
    expect(randAugment(pixels, random(1, 'x'), options, around)).to.deep.equal(once);
  });
});
