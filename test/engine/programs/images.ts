import { createHash } from 'node:crypto';
import { join } from 'node:path';
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
  process.stdout.write(JSON.stringify({ native: imagesAddOn() !== undefined, decoded, scaled }));
}

const [folder = '', ...files] = process.argv.slice(2);
void main(folder, files);
