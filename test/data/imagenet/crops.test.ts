import { expect } from 'chai';
import { randomResizedCrop } from '../../../lib/data/imagenet/augmentation';
import { evaluationCrop } from '../../../lib/data/imagenet/decode';
import { preprocessingOf } from '../../../lib/data/images';
import { random } from '../../../lib/engine/random';
import { scripted } from '../../support/scripted';

const image = { width: 500, height: 375 };
/** The draw at which a ratio between 3/4 and 4/3 is 1. */
const square = 0.5;

describe('the random resized crop', () => {
  it('has the area, ratio and place that were drawn', () => {
    // Area (0.08 + 0.92 × 0.25) × 187500 = 58125, ratio 1: sides of √58125 = 241.09.
    const box = randomResizedCrop(image, scripted(0.25, square, 0.5, 0.9));
    // Tops from 0 to 134, lefts from 0 to 259.
    expect(box).to.deep.equal({ width: 241, height: 241, top: 67, left: 234 });
  });

  it('takes the ratio as width to height, from its logarithm', () => {
    // Area 0.54 × 187500 = 101250; ratio (3/4)^½ = 0.8660: 296.1 by 341.9.
    const box = randomResizedCrop(image, scripted(0.5, 0.25, 0, 0));
    expect(box).to.deep.equal({ width: 296, height: 342, top: 0, left: 0 });
  });

  it('draws again while the part does not fit', () => {
    // The whole area as a square, 433 × 433, is higher than the image.
    const box = randomResizedCrop(image, scripted(1, square, 0.25, square, 0, 0));
    expect(box).to.deep.equal({ width: 241, height: 241, top: 0, left: 0 });
  });

  it('is the middle, cut to the nearest ratio, after ten attempts', () => {
    const never = (): number[] => Array.from({ length: 20 }, () => 0.999_999);
    // Each attempt: nearly the whole area, 4/3 as wide as high.
    const wide = randomResizedCrop({ width: 900, height: 90 }, scripted(...never()));
    expect(wide).to.deep.equal({ width: 120, height: 90, top: 0, left: 390 });
    const high = randomResizedCrop({ width: 90, height: 900 }, scripted(...never()));
    expect(high).to.deep.equal({ width: 90, height: 120, top: 390, left: 0 });
  });

  it('lies inside the image with areas and ratios in their ranges', () => {
    const draw = random(3, 'crops');
    let smallest = 1;
    let largest = 0;
    for (let count = 0; count < 2000; count++) {
      const { left, top, width, height } = randomResizedCrop(image, draw);
      expect(left >= 0 && top >= 0 && left + width <= 500 && top + height <= 375).to.equal(true);
      const share = (width * height) / (500 * 375);
      smallest = Math.min(smallest, share);
      largest = Math.max(largest, share);
      expect(width / height).to.be.within(0.74, 1.35);
    }
    expect(smallest).to.be.within(0.078, 0.1);
    expect(largest).to.be.within(0.9, 1);
  });
});

describe('the crop for evaluation', () => {
  const usual = { resize: 256, crop: 224 };

  it('scales the short side, rounds the long one down and takes the middle', () => {
    // 256 × 500/375 = 341.33; (341 − 224)/2 = 58.5, to even 58.
    expect(evaluationCrop(image, usual)).to.deep.equal({
      size: { width: 341, height: 256 },
      window: { width: 224, height: 224, left: 58, top: 16 },
    });
    // 256 × 343/256 = 343; (343 − 224)/2 = 59.5, to even 60.
    expect(evaluationCrop({ width: 256, height: 343 }, usual)).to.deep.equal({
      size: { width: 256, height: 343 },
      window: { width: 224, height: 224, left: 16, top: 60 },
    });
  });
});

describe('the preprocessing of a published model', () => {
  const imageNet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
  const halves = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
  // prettier-ignore
  const published: [string, number, 'bilinear' | 'bicubic', typeof imageNet][] = [
    ['resnet18', 256, 'bilinear', imageNet],
    ['resnet34', 256, 'bilinear', imageNet],
    ['resnet50', 256, 'bilinear', imageNet],
    ['resnet101', 256, 'bilinear', imageNet],
    ['resnet152', 256, 'bilinear', imageNet],
    ['resnet18_half', 256, 'bilinear', imageNet],
    ['resnet34_half', 256, 'bilinear', imageNet],
    ['mobilenet_v1', 256, 'bilinear', imageNet],
    ['vit_tiny_patch16_224', 248, 'bicubic', halves],
    ['vit_small_patch16_224', 248, 'bicubic', halves],
    ['vit_base_patch16_224', 248, 'bicubic', halves],
    ['deit_tiny_distilled_patch16_224', 248, 'bicubic', imageNet],
    ['deit_small_distilled_patch16_224', 248, 'bicubic', imageNet],
    ['deit_base_distilled_patch16_224', 248, 'bicubic', imageNet],
    ['regnety_002', 256, 'bicubic', imageNet],
    ['regnety_160', 256, 'bicubic', imageNet],
  ];

  it('is torchvision’s or timm’s', () => {
    for (const [name, resize, interpolation, normalisation] of published) {
      const evaluation = { resize, crop: 224, interpolation };
      expect(preprocessingOf(name), name).to.deep.equal({ evaluation, normalisation });
    }
  });

  it('keeps its proportion and its figures for another side', () => {
    // 248 · 96 / 224 = 106.3
    expect(preprocessingOf('deit_tiny_distilled_patch16_224', 96)).to.deep.equal({
      evaluation: { resize: 106, crop: 96, interpolation: 'bicubic' },
      normalisation: imageNet,
    });
  });
});
