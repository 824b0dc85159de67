import type { CocoEntry } from './data';
import type { Size } from './decode';

/**
 * The size of an image whose shorter side becomes `shortSide`, or less where the longer one would
 * exceed `longest`; rounded to the nearest as detectron2's `ResizeShortestEdge` does.
 */
export function resizedSize({ width, height }: Size, shortSide: number, longest: number): Size {
  const scale = shortSide / Math.min(width, height);
  let newWidth = width <= height ? shortSide : scale * width;
  let newHeight = width <= height ? scale * height : shortSide;
  const longer = Math.max(newWidth, newHeight);
  if (longer > longest) {
    newWidth *= longest / longer;
    newHeight *= longest / longer;
  }
  const rounded = (side: number): number => Math.max(1, Math.floor(side + 0.5));
  return { width: rounded(newWidth), height: rounded(newHeight) };
}

/** An image's boxes in its resized, and perhaps mirrored, form. */
export function resizedBoxes(
  { boxes, width, height }: Pick<CocoEntry, 'boxes' | 'width' | 'height'>,
  size: Size,
  mirrored: boolean,
): Float32Array {
  const scaleX = size.width / width;
  const scaleY = size.height / height;
  const result = new Float32Array(boxes.length);
  for (let at = 0; at < boxes.length; at += 4) {
    const left = (boxes[at] ?? 0) * scaleX;
    const right = (boxes[at + 2] ?? 0) * scaleX;
    result[at] = mirrored ? size.width - right : left;
    result[at + 1] = (boxes[at + 1] ?? 0) * scaleY;
    result[at + 2] = mirrored ? size.width - left : right;
    result[at + 3] = (boxes[at + 3] ?? 0) * scaleY;
  }
  return result;
}
