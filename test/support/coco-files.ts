import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';

/** What a file in COCO's form holds, so far as tests change it. */
export interface CocoFile {
  images: Record<string, unknown>[];
  annotations: Record<string, unknown>[];
  categories: Record<string, unknown>[];
}

/** Two images of 64 × 48 (the second without objects), categories 3 and 7, an object and a crowd. */
export function smallCocoFile(): CocoFile {
  return {
    images: [
      { id: 11, file_name: 'a.png', width: 64, height: 48 },
      { id: 12, file_name: 'b.png', width: 64, height: 48 },
    ],
    annotations: [
      {
        id: 1,
        image_id: 11,
        category_id: 7,
        bbox: [8, 4, 16, 12],
        area: 150,
        iscrowd: 0,
        segmentation: [[8, 4, 24, 4, 24, 16]],
      },
      {
        id: 2,
        image_id: 11,
        category_id: 3,
        bbox: [30, 30, 30, 15],
        area: 300,
        iscrowd: 1,
        segmentation: { size: [48, 64], counts: 'a"]}\\' },
      },
    ],
    categories: [
      { id: 7, name: 'dog' },
      { id: 3, name: 'cat' },
    ],
  };
}

/** Writes a file in COCO's form; gives its place. */
export function writeCocoFile(folder: string, content: unknown, name = 'instances.json'): string {
  const path = join(folder, name);
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

/** Writes the images of a file, each of one colour, as PNG. */
export async function writeCocoImages(folder: string, { images }: CocoFile): Promise<string> {
  const place = join(folder, 'images');
  mkdirSync(place, { recursive: true });
  for (const [index, { file_name, width, height }] of images.entries()) {
    const background = { r: 10 + index, g: 100, b: 200 };
    const create = {
      width: Number(width),
      height: Number(height),
      channels: 3,
      background,
    } as const;
    await sharp({ create })
      .png()
      .toFile(join(place, String(file_name)));
  }
  return place;
}
