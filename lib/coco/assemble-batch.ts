import type { CocoDataset, CocoEntry, DecodedImage, DetectionBatch, PixelForm } from './data';
import type { Size } from './decode';
import { resizedBoxes } from './resize';

/** An image of a batch, and what becomes of it. */
export interface BatchPart {
  readonly entry: CocoEntry;
  readonly size: Size;
  readonly mirrored: boolean;
}

/** Sides of a batch are multiples of this, so that each level of a feature pyramid halves the last. */
const divisor = 32;

/** Decodes the images of a batch at once and writes them, normalised, into one array. */
export async function assembleBatch(
  dataset: CocoDataset,
  parts: readonly BatchPart[],
  pixels: PixelForm,
): Promise<DetectionBatch> {
  const height = paddedTo(parts.map(({ size }) => size.height));
  const width = paddedTo(parts.map(({ size }) => size.width));
  const images = new Float32Array(parts.length * height * width * 3);
  const tables = normalisedBytes(pixels);
  await Promise.all(
    parts.map(async ({ entry, size, mirrored }, index) => {
      const decoded = await dataset.decode(entry, size);
      const target = images.subarray(index * height * width * 3, (index + 1) * height * width * 3);
      writePixels(target, width, decoded, { mirrored, order: pixels.order, tables });
    }),
  );
  const items = parts.map(({ entry, size, mirrored }) => ({
    imageId: entry.id,
    ...size,
    originalHeight: entry.height,
    originalWidth: entry.width,
    scale: { x: size.width / entry.width, y: size.height / entry.height },
    boxes: resizedBoxes(entry, size, mirrored),
    labels: entry.labels.slice(),
  }));
  return { images, height, width, items };
}

function paddedTo(sides: readonly number[]): number {
  return Math.ceil(Math.max(...sides) / divisor) * divisor;
}

function writePixels(
  target: Float32Array,
  targetWidth: number,
  { pixels, width, height }: DecodedImage,
  how: {
    readonly mirrored: boolean;
    readonly order: PixelForm['order'];
    readonly tables: readonly [Float32Array, Float32Array, Float32Array];
  },
): void {
  const [first, second, third] = how.tables;
  const swap = how.order === 'bgr' ? 2 : 0;
  const step = how.mirrored ? -3 : 3;
  for (let y = 0; y < height; y++) {
    let write = 3 * (y * targetWidth + (how.mirrored ? width - 1 : 0));
    const end = 3 * (y + 1) * width;
    for (let read = 3 * y * width; read < end; read += 3, write += step) {
      target[write] = first[pixels[read + swap] ?? 0] ?? 0;
      target[write + 1] = second[pixels[read + 1] ?? 0] ?? 0;
      target[write + 2] = third[pixels[read + 2 - swap] ?? 0] ?? 0;
    }
  }
}

/** `(value − mean) / std` of every byte, for each channel in the order of the batch. */
function normalisedBytes({
  mean,
  std,
}: PixelForm): readonly [Float32Array, Float32Array, Float32Array] {
  const table = (channel: 0 | 1 | 2): Float32Array =>
    Float32Array.from({ length: 256 }, (_, value) => (value - mean[channel]) / std[channel]);
  return [table(0), table(1), table(2)];
}
