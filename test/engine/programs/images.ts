import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { augmentBatch } from '../../../lib/data/batches';
import { decodePixels } from '../../../lib/data/imagenet/decode';
import { type Box, type ImageSize, resizeLikePil } from '../../../lib/data/resample';
import { random } from '../../../lib/engine/random';
import { startEngine } from '../../../lib/engine/load';
import { imagesAddOn } from '../../../lib/engine/images';

/** Prints what decoding parts of the given JPEGs and scaling comes to on the engine of the environment. */
async function main(folder: string, files: readonly string[]): Promise<void> {
  await startEngine();
  const draw = random(5, 'images');
  const part = ({ width, height }: ImageSize): Box => {
    const size = { width: 1 + draw.integer(width), height: 1 + draw.integer(height) };
    return {
      ...size,
      left: draw.integer(width - size.width + 1),
      top: draw.integer(height - size.height + 1),
    };
  };
  const hash = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex');
  const decoded: Record<string, string[]> = {};
  for (const file of files) {
    const parts: string[] = [];
    for (let index = 0; index < 20; index++) {
      parts.push(hash((await decodePixels(join(folder, file), part)).data));
    }
    decoded[file] = parts;
  }
  const scaled = Array.from({ length: 200 }, (_, index) => {
    const from = { width: 1 + draw.integer(90), height: 1 + draw.integer(90) };
    const to = { width: 1 + draw.integer(60), height: 1 + draw.integer(60) };
    const data = new Uint8Array(from.width * from.height * 3).map(() => draw.integer(256));
    const interpolation = index % 2 === 0 ? 'bilinear' : 'bicubic';
    const options = { interpolation, box: part(from), window: part(to) } as const;
    return hash(resizeLikePil({ data, ...from }, to, options).data);
  });
  const sides = { height: 7, width: 5 };
  const form = { ...sides, mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] } as const;
  const images = Uint8Array.from({ length: 4 * 7 * 5 * 3 }, () => draw.integer(256));
  const split = { images, labels: new Int32Array(4), count: 4 };
  const order = Int32Array.from({ length: 300 }, () => draw.integer(4));
  // Up to more than the image is wide: of some nothing but black is left.
  const normalised = [1, 4, 6].map((padding) =>
    hash(new Uint8Array(augmentBatch(form, split, order, draw.uniform, { padding }).buffer)),
  );
  process.stdout.write(
    JSON.stringify({ normalised, native: imagesAddOn() !== undefined, decoded, scaled }),
  );
}

const [folder = '', ...files] = process.argv.slice(2);
void main(folder, files);
