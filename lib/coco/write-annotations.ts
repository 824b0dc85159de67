import { writeAtomic } from '../files';
import type { CocoAnnotations } from './types';

/** Writes annotations in COCO's form (`instances_*.json`), which pycocotools reads. */
export function writeAnnotations(
  path: string,
  { categories, images, annotations }: CocoAnnotations,
): void {
  const content = {
    images: images.map(({ id, fileName, width, height }) => ({
      id,
      file_name: fileName,
      width,
      height,
    })),
    annotations: annotations.map(({ id, imageId, categoryId, box, area, crowd }) => ({
      id,
      image_id: imageId,
      category_id: categoryId,
      bbox: box,
      area,
      iscrowd: crowd ? 1 : 0,
    })),
    categories,
  };
  writeAtomic(path, `${JSON.stringify(content)}\n`);
}
