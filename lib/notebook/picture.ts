import type { DetectionPicture } from '../pictures/detection-picture';
import { show } from './display';

/** Shows a drawn image with its boxes, and tells in words what is on it. */
export function showPicture({ bytes, mime, width, height, description }: DetectionPicture): void {
  show(
    { [mime]: bytes.toString('base64'), 'text/plain': `[${description}]` },
    { [mime]: { width, height } },
  );
}
