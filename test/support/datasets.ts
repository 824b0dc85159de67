import type { ImageDataset, ImageSplit } from '../../lib/data/source';
import { random } from '../../lib/engine/random';

export interface SmallDatasetOptions {
  readonly classes?: number;
  readonly perClass?: number;
  readonly side?: number;
  readonly hash?: string;
}

/** Noise with a bright band whose place tells the class: learnable, and small enough for every test. */
export function smallDataset({
  classes = 4,
  perClass = 12,
  side = 8,
  hash = 'small',
}: SmallDatasetOptions = {}): ImageDataset {
  const split = (name: string, count: number): ImageSplit => {
    const draw = random(5, name);
    const labels = Int32Array.from({ length: count }, (_, index) => index % classes);
    const images = new Uint8Array(count * side * side * 3);
    images.forEach((_, at) => {
      const image = Math.floor(at / (side * side * 3));
      const row = Math.floor((at % (side * side * 3)) / (side * 3));
      const bright = Math.floor((row * classes) / side) === labels[image];
      images[at] = draw.integer(64) + (bright ? 160 : 0);
    });
    return { images, labels, count };
  };
  return {
    name: 'small',
    classes: Array.from({ length: classes }, (_, index) => `class ${index}`),
    height: side,
    width: side,
    train: split('train', classes * perClass),
    test: split('test', classes * 5),
    mean: [0.3, 0.3, 0.3],
    std: [0.25, 0.25, 0.25],
    hash,
  };
}
