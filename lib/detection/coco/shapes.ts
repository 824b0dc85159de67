import { type Random, random } from '../../engine/random';
import { optionError } from '../../errors';
import { hashJson } from '../../records';
import type {
  CocoAnnotation,
  CocoAnnotations,
  CocoBox,
  CocoCategory,
  CocoImage,
} from './annotations';
import type { CocoDataset, DecodedImage } from './data';
import { scaledImage } from './images';
import { datasetOf } from './load';

/** What the made-up set draws. */
export const shapeKinds = ['disc', 'square', 'triangle'] as const;
type ShapeKind = (typeof shapeKinds)[number];

/** Whether a shape that fills a box covers a point. */
export function coversShape(
  kind: ShapeKind,
  [left, top, width, height]: CocoBox,
  x: number,
  y: number,
): boolean {
  const across = (x - left) / width;
  const down = (y - top) / height;
  if (across < 0 || across > 1 || down < 0 || down > 1) return false;
  if (kind === 'square') return true;
  if (kind === 'disc') return (across - 0.5) ** 2 + (down - 0.5) ** 2 <= 0.25;
  return Math.abs(across - 0.5) <= down / 2;
}

/** What is drawn. */
export interface ShapesOptions {
  readonly images: number;
  readonly seed: number;
  /** Length of the longer side of an image, in pixels (default 128); the shorter one is ¾ of it. */
  readonly side?: number;
  /** `train` or `val`: other images of the same seed. */
  readonly split?: string;
}

/** Numbers with a gap, as COCO's own have. */
const categories: readonly CocoCategory[] = [
  { id: 1, name: 'disc' },
  { id: 2, name: 'square' },
  { id: 4, name: 'triangle' },
];

/** At most so many objects in an image. */
const mostObjects = 4;
/** One image in so many stays empty, as some of COCO's are. */
const emptyEvery = 16;
/** Tries to find a free place for an object before it is left out. */
const placeTries = 20;

interface Drawing {
  readonly image: CocoImage;
  readonly background: Colour;
  readonly objects: readonly {
    readonly kind: ShapeKind;
    readonly box: CocoBox;
    readonly colour: Colour;
  }[];
}

type Colour = readonly [number, number, number];

/**
 * A small set for trying a detector without COCO, drawn by the program: one to four discs, squares and
 * triangles in random colours that do not touch, on a noisy ground; wide and tall images in turn, one in
 * 16 empty. The same options give the same pixels everywhere.
 */
export function shapesDataset({
  images,
  seed,
  side = 128,
  split = 'train',
}: ShapesOptions): CocoDataset {
  if (!Number.isSafeInteger(images) || images < 1 || !Number.isSafeInteger(side) || side < 32) {
    throw optionError`a set of shapes needs at least one image of 32 pixels or more: found ${images} images of ${side}. Give numbers such as 64 and 128`;
  }
  const drawings = Array.from({ length: images }, (_, index) =>
    drawingOf(index, side, random(seed, 'shapes', split, index)),
  );
  const byId = new Map(drawings.map((drawing) => [drawing.image.id, drawing]));
  return datasetOf({
    name: 'shapes',
    groundTruth: annotationsOf(drawings, split),
    hash: hashJson({ images, seed, side, split }),
    notes: [],
    async decode({ id }, size) {
      const drawing = byId.get(id);
      if (drawing === undefined) throw new RangeError(`no image ${id} among the shapes`);
      const drawn = draw(drawing, random(seed, 'shapes', split, 'noise', id));
      return size ? scaledImage(drawn, size) : drawn;
    },
  });
}

function drawingOf(index: number, side: number, from: Random): Drawing {
  const short = Math.round(side * 0.75);
  const [width, height] = index % 2 === 0 ? [side, short] : [short, side];
  const colour = (): Colour => [from.integer(256), from.integer(256), from.integer(256)];
  const background = colour();
  const boxes: CocoBox[] = [];
  const count = index % emptyEvery === emptyEvery - 1 ? 0 : 1 + from.integer(mostObjects);
  for (let object = 0; object < count; object++) {
    const box = freePlace(boxes, width, height, from);
    if (box) boxes.push(box);
  }
  const objects = boxes.map((box) => {
    const kind = shapeKinds[from.integer(shapeKinds.length)] ?? 'disc';
    return { kind, box, colour: contrasting(colour, background) };
  });
  const fileName = `${String(index + 1).padStart(6, '0')}.png`;
  return { image: { id: index + 1, fileName, width, height }, background, objects };
}

function freePlace(
  taken: readonly CocoBox[],
  width: number,
  height: number,
  from: Random,
): CocoBox | undefined {
  for (let attempt = 0; attempt < placeTries; attempt++) {
    const size = Math.round(height * 0.15 + from.integer(Math.round(height * 0.35)));
    if (size + 2 > Math.min(width, height)) continue;
    const x = 1 + from.integer(width - size - 1);
    const y = 1 + from.integer(height - size - 1);
    const isFree = taken.every(
      ([left, top, w, h]) => x + size < left || left + w < x || y + size < top || top + h < y,
    );
    if (isFree) return [x, y, size, size];
  }
  return undefined;
}

/** The first colour drawn that can be told from the ground; after some tries its opposite. */
function contrasting(colour: () => Colour, ground: Colour): Colour {
  for (let attempt = 0; attempt < placeTries; attempt++) {
    const drawn = colour();
    const distance = drawn.reduce((sum, value, c) => sum + Math.abs(value - (ground[c] ?? 0)), 0);
    if (distance > 200) return drawn;
  }
  const opposite = (value: number): number => (value < 128 ? 255 : 0);
  return [opposite(ground[0]), opposite(ground[1]), opposite(ground[2])];
}

function annotationsOf(drawings: readonly Drawing[], split: string): CocoAnnotations {
  const annotations: CocoAnnotation[] = [];
  for (const { image, objects } of drawings) {
    for (const { kind, box } of objects) {
      annotations.push({
        id: annotations.length + 1,
        imageId: image.id,
        categoryId: categories[shapeKinds.indexOf(kind)]?.id ?? 0,
        box,
        area: box[2] * box[3],
        crowd: false,
      });
    }
  }
  const images = drawings.map(({ image }) => image);
  return { file: `shapes (${split}, made up)`, categories, images, annotations };
}

function draw(
  { image: { width, height }, background, objects }: Drawing,
  noise: Random,
): DecodedImage {
  const pixels = new Uint8Array(width * height * 3);
  let at = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const object = objects.find(({ kind, box }) => coversShape(kind, box, x + 0.5, y + 0.5));
      const colour = object?.colour ?? background;
      const shade = noise.integer(31) - 15;
      for (const value of colour) pixels[at++] = Math.min(255, Math.max(0, value + shade));
    }
  }
  return { pixels, width, height };
}
