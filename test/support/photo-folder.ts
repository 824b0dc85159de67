import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp, { type Sharp } from 'sharp';

export interface Photo {
  readonly width: number;
  readonly height: number;
  readonly seed: number;
}

/** A smooth picture that differs from place to place and from seed to seed. */
export function photo({ width, height, seed }: Photo): Sharp {
  const data = new Uint8Array(width * height * 3);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      data[at++] = (5 * x + 40 * seed) % 256;
      data[at++] = (7 * y + 90 * seed) % 256;
      data[at++] = (3 * (x + y) + 10 * seed) % 256;
    }
  }
  return sharp(data, { raw: { width, height, channels: 3 } });
}

/** JPEGs of several sizes in ImageNet's layout: two classes, n01 and n02. */
export async function writePhotoFolder(
  folder: string,
  { train, val }: { train: number; val: number },
): Promise<void> {
  let seed = 0;
  for (const [split, count] of Object.entries({ train, val })) {
    for (const wnid of ['n01', 'n02']) {
      const place = join(folder, split, wnid);
      mkdirSync(place, { recursive: true });
      for (let index = 0; index < count; index++) {
        seed += 1;
        const size = { width: 40 + 3 * (seed % 5), height: 36 + 5 * (seed % 3) };
        await photo({ ...size, seed })
          .jpeg()
          .toFile(join(place, `${wnid}_${index}.JPEG`));
      }
    }
  }
}
