import { expect } from 'chai';
import { type Interpolation, type Pixels, resizeLikePil } from '../../lib/data/resample';

/** One row or one column of these levels: red as they are, green 0, blue 255 less. */
function line(levels: readonly number[], along: 'row' | 'column'): Pixels {
  const data = Uint8Array.from(levels.flatMap((level) => [level, 0, 255 - level]));
  const [width, height] = along === 'row' ? [levels.length, 1] : [1, levels.length];
  return { data, width, height };
}

/** Whole levels that differ from place to place in all channels. */
function picture(width: number, height: number): Pixels {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, at) => (at * at * 7) % 251);
  return { data, width, height };
}

/** The part of an image, cut out. */
function cut({ data, width }: Pixels, box: { left: number; top: number; size: number }): Pixels {
  const { left, top, size } = box;
  const rows = Array.from({ length: size }, (_, y) => {
    const start = ((top + y) * width + left) * 3;
    return [...data.subarray(start, start + size * 3)];
  });
  return { data: Uint8Array.from(rows.flat()), width: size, height: size };
}

describe('scaling as PIL does', () => {
  /** Keys' kernel with a = −1/2 at ¼, ¾, 1¼ and 1¾. */
  const [near, next, third, last] = [0.8671875, 0.2265625, -0.0703125, -0.0234375] as const;
  const cases: [string, Interpolation, number[], number[]][] = [
    [
      // The triangle is as wide as two pixels to each side of 1 and 3: weights ¾, ¾, ¼ and ¼, ¾, ¾.
      'halves with a triangle twice as wide',
      'bilinear',
      [0, 100, 200, 40],
      [(75 + 50) / 1.75, (25 + 150 + 30) / 1.75],
    ],
    ['doubles between the centres of pixels', 'bilinear', [0, 100], [0, 25, 75, 100]],
    [
      'doubles with a cubic kernel, which overshoots',
      'bicubic',
      [100, 100, 200, 100, 100, 100],
      [
        ...[100, 100 + (100 * last) / (near + next + last)],
        ...[100 + (100 * third) / (near + next + third), 100 + 100 * next],
        ...[100 + 100 * near, 100 + 100 * near, 100 + 100 * next, 100 + 100 * third],
        ...[100 + 100 * last, 100, 100, 100],
      ],
    ],
    [
      // The kernel reaches 4 pixels to each side of 1, 3, 5 and 7; what lies outside of the row is left out.
      'halves with a cubic kernel twice as wide',
      'bicubic',
      [0, 0, 0, 80, 80, 80, 80, 80],
      [
        0,
        (80 * (near + next + third + last)) / (2 * near + 2 * next + 2 * third + last),
        (80 * (2 * near + 2 * next + third)) / (2 * near + 2 * next + 2 * third + last),
        80,
      ],
    ],
  ];
  for (const [title, interpolation, levels, expected] of cases) {
    it(title, () => {
      for (const along of ['row', 'column'] as const) {
        const size =
          along === 'row'
            ? { width: expected.length, height: 1 }
            : { width: 1, height: expected.length };
        const { data } = resizeLikePil(line(levels, along), size, { interpolation });
        expected.forEach((level, at) => {
          const rounded = Math.round(level);
          const found = [...data.subarray(3 * at, 3 * at + 3)];
          expect(found, `${along}, ${at}`).to.deep.equal([rounded, 0, 255 - rounded]);
        });
      }
    });
  }

  it('takes a part as if it had been cut out before, and gives a part as if it were cut out after', () => {
    const whole = picture(13, 11);
    for (const interpolation of ['bilinear', 'bicubic'] as const) {
      const to = { width: 9, height: 9 };
      const part = { left: 4, top: 3, width: 6, height: 6 };
      expect(resizeLikePil(whole, to, { interpolation, box: part })).to.deep.equal(
        resizeLikePil(cut(whole, { ...part, size: 6 }), to, { interpolation }),
      );
      const window = { left: 2, top: 5, width: 4, height: 4 };
      expect(resizeLikePil(whole, to, { interpolation, window })).to.deep.equal(
        cut(resizeLikePil(whole, to, { interpolation }), { ...window, size: 4 }),
      );
    }
  });
});
