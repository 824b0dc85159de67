import { expect } from 'chai';
import {
  augmentationNamed,
  mixBatch,
  randomErasing,
  symmetricBeta,
} from '../../../lib/data/imagenet/augmentation';
import { random } from '../../../lib/engine/random';
import { scripted } from '../../support/scripted';

const options = { mixupAlpha: 1, cutmixAlpha: 1, switchProbability: 0.5 };

/** Images of one value each. */
function flat(values: readonly number[], size: number): Float32Array {
  return Float32Array.from(values.flatMap((value) => Array<number>(size * size * 3).fill(value)));
}

describe('an augmentation by its name', () => {
  it('has the settings of torchvision’s recipes or of DeiT’s', () => {
    expect(augmentationNamed('resized-crop-flip')).to.deep.equal({ interpolation: 'bilinear' });
    // rand-m9-mstd0.5-inc1, --reprob 0.25, --mixup 0.8, --cutmix 1.0, --mixup-switch-prob 0.5.
    const unmixed = {
      interpolation: 'bicubic',
      randAugment: { magnitude: 9, deviation: 0.5, operations: 2 },
      erasing: 0.25,
    };
    const mix = { mixupAlpha: 0.8, cutmixAlpha: 1, switchProbability: 0.5 };
    expect(augmentationNamed('deit-unmixed')).to.deep.equal(unmixed);
    expect(augmentationNamed('deit')).to.deep.equal({ ...unmixed, mix });
    const byParts = { ...mix, by: 256 };
    expect(augmentationNamed('deit-by-256')).to.deep.equal({ ...unmixed, mix: byParts });
    expect(augmentationNamed('none')).to.equal(undefined);
  });
});

describe('mixing a batch', () => {
  it('by mixup gives λ xᵢ + (1 − λ) of the image as far from the end', () => {
    const images = flat([1, 2, 5], 2);
    // No cutmix; Beta(1, 1) from 0.3 and 0.1: λ = 0.75.
    const mix = mixBatch(
      images,
      { count: 3, width: 2, height: 2 },
      scripted(0.7, 0.3, 0.1),
      options,
    );
    expect([...mix.partner]).to.deep.equal([2, 1, 0]);
    mix.lambda.forEach((lambda) => expect(lambda).to.be.closeTo(0.75, 1e-6));
    [2, 2, 4].forEach((value, row) => {
      for (let at = 0; at < 12; at++) expect(images[12 * row + at]).to.be.closeTo(value, 1e-6);
    });
  });

  it('in parts draws λ for each, and mixes within it', () => {
    const images = flat([1, 2, 3, 5, 9], 1);
    // Mixup of the first two with λ = 0.75, of the next two with 0.4; the fifth with itself.
    const draws = scripted(0.7, 0.3, 0.1, 0.7, 0.2, 0.3, 0.7, 0.3, 0.1);
    const whole = { count: 5, width: 1, height: 1 };
    const mix = mixBatch(images, whole, draws, { ...options, by: 2 });
    expect([...mix.partner]).to.deep.equal([1, 0, 3, 2, 4]);
    [0.75, 0.75, 0.4, 0.4].forEach((lambda, row) =>
      expect(mix.lambda[row]).to.be.closeTo(lambda, 1e-6),
    );
    [1.25, 1.75, 4.2, 3.8, 9].forEach((value, row) =>
      expect(images[3 * row]).to.be.closeTo(value, 1e-6),
    );
  });

  it('by cutmix exchanges a rectangle and counts what is left', () => {
    const size = 8;
    const images = flat([1, 2], size);
    // λ = 0.75: half of each side, 4 × 4, about the middle (4, 1): rows 2 to 5, columns 0 to 2.
    const draws = scripted(0.2, 0.3, 0.1, 4.5 / 8, 1.5 / 8);
    const mix = mixBatch(images, { count: 2, width: size, height: size }, draws, options);
    for (let y = 0; y < size; y++) {
      for (let x = 0; x < size; x++) {
        const inside = y >= 2 && y < 6 && x < 3;
        expect(images[(y * size + x) * 3]).to.equal(inside ? 2 : 1);
        expect(images[(size * size + y * size + x) * 3 + 2]).to.equal(inside ? 1 : 2);
      }
    }
    // The edge cut one of four columns off: 12 of 64 pixels came from the other.
    expect([...mix.lambda]).to.deep.equal([1 - 12 / 64, 1 - 12 / 64]);
  });

  it('draws λ from Beta(0.8, 0.8): mean ½, variance 1/(4 (2 × 0.8 + 1))', () => {
    const draw = random(5, 'beta');
    const drawn = Array.from({ length: 20_000 }, () => symmetricBeta(draw, 0.8));
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    const variance = drawn.reduce((sum, value) => sum + (value - mean) ** 2, 0) / drawn.length;
    expect(mean).to.be.closeTo(0.5, 0.01);
    expect(variance).to.be.closeTo(1 / 10.4, 0.003);
  });
});

describe('random erasing', () => {
  const size = { width: 10, height: 10 };

  it('fills one rectangle with normal numbers', () => {
    const image = new Float32Array(300);
    // Erased; area 0.02 + 0.3133 × 0.447 = 0.16 of 100; ratio 1: 4 × 4 at row 2 of 0…6, column 3.
    const share = (0.16 - 0.02) / (1 / 3 - 0.02);
    const draws = scripted(0.2, share, 0.5, 2.5 / 7, 3.5 / 7, ...Array<number>(48).fill(-1.5));
    randomErasing(image, size, draws, 0.25);
    image.forEach((value, at) => {
      const x = Math.floor(at / 3) % 10;
      const y = Math.floor(at / 30);
      expect(value).to.equal(x >= 3 && x < 7 && y >= 2 && y < 6 ? -1.5 : 0);
    });
  });

  it('draws again where the rectangle would be as high or as wide as the image', () => {
    // A third of 100 at 3 : 1 is 10 × 3.3, as high as the image; then 4 × 4 in the corner.
    const log = (ratio: number): number => (Math.log(ratio) / Math.log(1 / 0.3) + 1) / 2;
    const share = (0.16 - 0.02) / (1 / 3 - 0.02);
    for (const ratio of [3, 1 / 3]) {
      const image = new Float32Array(300);
      const corner = [share, 0.5, 0, 0, ...Array<number>(48).fill(1)];
      randomErasing(image, size, scripted(0, 1, log(ratio), ...corner), 0.25);
      expect(image.reduce((sum, value) => sum + value, 0)).to.equal(4 * 4 * 3);
      expect(image[(3 * 10 + 3) * 3]).to.equal(1);
    }
  });

  it('leaves most images alone, and gives up when nothing fits', () => {
    const image = new Float32Array(300);
    randomErasing(image, size, scripted(0.25), 0.25);
    // A third of the area at the longest ratio, 10.5 rows by 3.2 columns, ten times over.
    const never = Array.from({ length: 10 }, () => [0.999_999, 0.999_999]).flat();
    randomErasing(image, size, scripted(0, ...never), 0.25);
    expect(image.every((value) => value === 0)).to.equal(true);
  });
});
