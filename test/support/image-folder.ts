import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

/** Writes a folder of PNG images in ImageNet's layout: one colour a class, 32 × 32. */
export async function writeImageFolder(
  folder: string,
  { classes = 3, train = 8, val = 4 }: { classes?: number; train?: number; val?: number } = {},
): Promise<void> {
  for (const [split, count] of [
    ['train', train],
    ['val', val],
  ] as const) {
    for (let label = 0; label < classes; label++) {
      const place = join(folder, split, `class-${label}`);
      mkdirSync(place, { recursive: true });
      for (let index = 0; index < count; index++) {
        const background = { r: 80 * label, g: 255 - 80 * label, b: 20 * index };
        await sharp({ create: { width: 32, height: 32, channels: 3, background } })
          .png()
          .toFile(join(place, `${index}.png`));
      }
    }
  }
}
