import { LabError } from '../errors';

/**
 * Refuses another image size for a data set that has only one.
 *
 * @throws LabError of kind `option`.
 */
export function requireFixedSize(name: string, side: number, imageSize: number | undefined): void {
  if (imageSize === undefined || imageSize === side) return;
  throw new LabError({
    kind: 'option',
    what: `'${name}' has images of ${side}×${side} only`,
    where: 'image size',
    found: String(imageSize),
    remedy: 'Leave the image size out; only folder:PATH can be resized',
  });
}
