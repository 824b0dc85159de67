import type { Random } from '../../engine/random';
import type { Interpolation, Pixels } from '../resample';
import { type AffineMap, type Colour, rotation, transformAffine } from './affine';
import { adjustBrightness, adjustColour, adjustContrast, adjustSharpness } from './enhance';
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from './tone';

/** timm's `rand-mM-nN-mstdS-inc1`: RandAugment whose operations grow stronger with the magnitude. */
export interface RandAugmentOptions {
  /** 0 to 10. */
  readonly magnitude: number;
  /** Standard deviation of the magnitude of each operation. */
  readonly deviation: number;
  /** Operations drawn for an image, each applied with probability ½. */
  readonly operations: number;
}

/** How the operations that move pixels look up between them, and what colour they bring in. */
export interface Surroundings {
  readonly interpolation: Interpolation;
  readonly fill: Colour;
}

/**
 * @param share of the full strength, 0 to 1.
 * @param sign 1 or −1, for operations that go both ways.
 */
type Operation = (pixels: Pixels, share: number, sign: number, around: Surroundings) => Pixels;

type Enhance = (pixels: Pixels, factor: number) => Pixels;

/** timm's 15, by its names and in its order; the comments' ranges are for shares from 0 to 1. */
const table = {
  AutoContrast: (pixels) => autoContrast(pixels),
  Equalize: (pixels) => equalize(pixels),
  Invert: (pixels) => invert(pixels),
  // Up to 30 degrees.
  Rotate: (pixels, share, sign, around) =>
    share === 0 ? pixels : transformAffine(pixels, rotation(sign * share * 30, pixels), around),
  // From 4 bits down to none.
  PosterizeIncreasing: (pixels, share) => posterize(pixels, 4 - Math.trunc(share * 4)),
  // From 256 down to 0.
  SolarizeIncreasing: (pixels, share) => solarize(pixels, 256 - Math.trunc(share * 256)),
  // Up to 110.
  SolarizeAdd: (pixels, share) => solarizeAdd(pixels, Math.trunc(share * 110)),
  ColorIncreasing: enhancing(adjustColour),
  ContrastIncreasing: enhancing(adjustContrast),
  BrightnessIncreasing: enhancing(adjustBrightness),
  SharpnessIncreasing: enhancing(adjustSharpness),
  // Up to 0.3 of a pixel for each row or column.
  ShearX: moving((amount) => [1, 0.3 * amount, 0, 0, 1, 0]),
  ShearY: moving((amount) => [1, 0, 0, 0.3 * amount, 1, 0]),
  // Up to 0.45 of the side.
  TranslateXRel: moving((amount, { width }) => [1, 0, 0.45 * amount * width, 0, 1, 0]),
  TranslateYRel: moving((amount, { height }) => [1, 0, 0, 0, 1, 0.45 * amount * height]),
} satisfies Record<string, Operation>;

export type OperationName = keyof typeof table;

const operations: Readonly<Record<OperationName, Operation>> = table;

/** The names of the operations, in the order in which they are drawn. */
export const operationNames = Object.keys(operations).filter(isOperation);

/** One operation with a magnitude from 0 to 10, its sign already drawn. */
export function applyOperation(
  name: OperationName,
  pixels: Pixels,
  { magnitude, sign, ...around }: Surroundings & { magnitude: number; sign: 1 | -1 },
): Pixels {
  return operations[name](pixels, magnitude / 10, sign, around);
}

/**
 * RandAugment as timm has it: for each of `operations` times one of 15 is drawn, and whether it is applied
 * at all; then a magnitude from a normal distribution, kept within 0 to 10, and a sign.
 */
export function randAugment(
  pixels: Pixels,
  random: Random,
  { magnitude, deviation, operations: times }: RandAugmentOptions,
  around: Surroundings,
): Pixels {
  let result = pixels;
  for (let time = 0; time < times; time++) {
    const name = operationNames[random.integer(operationNames.length)];
    if (random.uniform() >= 0.5 || name === undefined) continue;
    const drawn = magnitude + deviation * random.normal();
    const kept = Math.min(10, Math.max(0, drawn));
    const sign = random.uniform() < 0.5 ? 1 : -1;
    result = applyOperation(name, result, { magnitude: kept, sign, ...around });
  }
  return result;
}

/** Factors from 1 away by 0.9 at most, to either side, and not below 0.1. */
function enhancing(enhance: Enhance): Operation {
  return (pixels, share, sign) => enhance(pixels, Math.max(0.1, 1 + sign * 0.9 * share));
}

function moving(mapOf: (amount: number, pixels: Pixels) => AffineMap): Operation {
  return (pixels, share, sign, around) =>
    transformAffine(pixels, mapOf(sign * share, pixels), around);
}

function isOperation(name: string): name is OperationName {
  return Object.hasOwn(operations, name);
}
