import sharp, { type Sharp } from 'sharp';
import type { CocoDataset, CocoEntry } from '../coco/data';
import { scaledImage } from '../coco/decode';
import { judgeImage } from '../coco/judge-image';
import type { CocoAnnotation, CocoBox, CocoDetection } from '../coco/types';
import { LabError } from '../errors';
import { categoryColour } from './colours';
import { textOutline, textWidth } from './font';
import { type PanelBox, type PanelLook, panelOverlay } from './panel-overlay';
import type { Area } from './place-labels';

/** What one detector found, under its name. */
export interface DetectionPanel {
  /** `teacher`, `student alone`, `KD++`. */
  readonly title: string;
  /** Of any images; those of the drawn one are taken. */
  readonly detections: readonly CocoDetection[];
}

export interface DetectionPictureOptions {
  /** Boxes with a lower score are not drawn (0.5). */
  readonly leastScore?: number;
  /** Boxes of a panel, the surest ones (20). */
  readonly most?: number;
  /** Overlap from which a box is right (0.5). */
  readonly leastOverlap?: number;
  /** Pixels of a panel's longer side (360). */
  readonly panelSide?: number;
  /** `png` is exact and large for photographs; `jpeg` is small (`png`). */
  readonly format?: 'png' | 'jpeg';
}

/** A drawn image. */
export interface DetectionPicture {
  readonly imageId: number;
  readonly bytes: Buffer;
  readonly mime: 'image/png' | 'image/jpeg';
  /** In pixels. */
  readonly width: number;
  readonly height: number;
  /** What it shows, for those who do not see it: `ground truth: 3 objects; teacher: 2 of 3 found, 1 wrong`. */
  readonly description: string;
}

interface Panel {
  readonly title: string;
  readonly note: string;
  readonly boxes: readonly (Omit<PanelBox, keyof Area> & { readonly box: CocoBox })[];
}

const gap = 12;
const ink = '#1b1f24';
const soft = '#57606a';

/** What the lines mean, below every picture with a detector in it. */
const legend =
  'full line: right · dashed: wrong (no free object of its class overlaps it enough) · white dots: missed';

/**
 * An image with the boxes of its objects and, beside it, with what each detector found: the class, the
 * score, and whether it is right by COCO's rule at one overlap. A class has one colour in all panels.
 *
 * @throws LabError of kind `option` for an image that the data set does not have; as `dataset.decode` does.
 */
export async function drawDetections(
  dataset: CocoDataset,
  imageId: number,
  detectors: readonly DetectionPanel[],
  options: DetectionPictureOptions = {},
): Promise<DetectionPicture> {
  const { panelSide = 360, format = 'png' } = options;
  const entry = dataset.entries.find(({ id }) => id === imageId);
  if (entry === undefined) throw unknownImage(dataset, imageId);
  const objects = dataset.groundTruth.annotations.filter((object) => object.imageId === imageId);
  const panels = [
    truthPanel(dataset, objects),
    ...detectors.map((detector) => foundPanel(dataset, entry, objects, detector, options)),
  ];
  const scale = panelSide / Math.max(entry.width, entry.height);
  const size = {
    width: Math.max(1, Math.round(entry.width * scale)),
    height: Math.max(1, Math.round(entry.height * scale)),
  };
  const look: PanelLook = {
    text: Math.max(11, Math.round(panelSide / 30)),
    line: Math.max(2, Math.round(panelSide / 150)),
  };
  const head = Math.round(look.text * 3.4);
  const foot = detectors.length === 0 ? gap : Math.round(look.text * 2);
  const width = panels.length * size.width + (panels.length + 1) * gap;
  const height = head + size.height + foot;
  const places = panels.map((_, index) => gap + index * (size.width + gap));
  const overlay = [
    ...panels.map((panel, index) => {
      const area = { ...size, x: places[index] ?? 0, y: head };
      return `${heading(panel, area, look)}${boxesOf(panel, area, scale, look)}`;
    }),
    ...(detectors.length === 0 ? [] : [line(legend, gap, height - look.text * 0.7, width, look)]),
  ].join('\n');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}">${overlay}</svg>`;
  const { pixels } = await scaledImage(await dataset.decode(entry), size);
  const canvas = sharp({ create: { width, height, channels: 3, background: '#fff' } }).composite([
    ...places.map((left) => ({
      input: Buffer.from(pixels),
      raw: { ...size, channels: 3 as const },
      left,
      top: head,
    })),
    { input: Buffer.from(svg), left: 0, top: 0 },
  ]);
  return {
    imageId,
    bytes: await encode(canvas.removeAlpha(), format),
    mime: `image/${format}`,
    width,
    height,
    description: `image ${imageId} (${entry.fileName}): ${panels.map(({ title, note }) => `${title}: ${note}`).join('; ')}`,
  };
}

function encode(canvas: Sharp, format: 'png' | 'jpeg'): Promise<Buffer> {
  return format === 'png'
    ? canvas.png({ compressionLevel: 9 }).toBuffer()
    : canvas.jpeg({ quality: 88, chromaSubsampling: '4:4:4' }).toBuffer();
}

function truthPanel(dataset: CocoDataset, objects: readonly CocoAnnotation[]): Panel {
  const crowds = objects.filter(({ crowd }) => crowd).length;
  const counted = inWords(objects.length - crowds, 'object');
  return {
    title: 'ground truth',
    note: crowds === 0 ? counted : `${counted}, ${inWords(crowds, 'crowd')}`,
    boxes: objects.map(({ box, categoryId, crowd }) => ({
      ...categoryLook(dataset, categoryId, crowd ? ' (crowd)' : ''),
      box,
      line: crowd ? 'dashed' : 'thick',
    })),
  };
}

function foundPanel(
  dataset: CocoDataset,
  { id }: CocoEntry,
  objects: readonly CocoAnnotation[],
  { title, detections }: DetectionPanel,
  { leastScore = 0.5, most = 20, leastOverlap = 0.5 }: DetectionPictureOptions,
): Panel {
  const shown = detections
    .filter(({ imageId, score }) => imageId === id && score >= leastScore)
    .sort((a, b) => b.score - a.score)
    .slice(0, most);
  const judged = judgeImage(objects, shown, leastOverlap);
  const count = (wanted: string): number =>
    judged.detections.filter(({ verdict }) => verdict === wanted).length;
  const all = objects.filter(({ crowd }) => !crowd).length;
  return {
    title,
    note: `${count('right')} of ${all} found, ${count('wrong')} wrong`,
    boxes: [
      ...judged.detections.map(({ detection: { box, categoryId, score }, verdict }) => ({
        ...categoryLook(dataset, categoryId, ` ${score.toFixed(2)}`),
        box,
        line: verdict === 'wrong' ? ('dashed' as const) : ('thick' as const),
      })),
      ...judged.missed.map(({ box }) => ({
        label: '',
        colour: '#fff',
        box,
        line: 'dotted' as const,
      })),
    ],
  };
}

function categoryLook(
  { categories }: CocoDataset,
  categoryId: number,
  ending: string,
): Pick<PanelBox, 'label' | 'colour'> {
  const place = categories.findIndex(({ id }) => id === categoryId);
  const name = categories[place]?.name ?? `category ${categoryId}`;
  return { label: `${name}${ending}`, colour: categoryColour(Math.max(0, place)) };
}

function boxesOf({ boxes }: Panel, area: Area, scale: number, look: PanelLook): string {
  // On whole pixels lines are sharp.
  const at = (value: number, side: number): number =>
    Math.round(Math.min(Math.max(value * scale, 0), side));
  const drawn = boxes.map(({ box: [x, y, width, height], ...rest }) => {
    const left = at(x, area.width);
    const top = at(y, area.height);
    return {
      ...rest,
      x: area.x + left,
      y: area.y + top,
      width: at(x + width, area.width) - left,
      height: at(y + height, area.height) - top,
    };
  });
  return panelOverlay(drawn, area, look);
}

function heading({ title, note }: Panel, { x, width }: Area, look: PanelLook): string {
  const large = { text: Math.round(look.text * 1.15), line: look.line };
  return (
    line(title, x, large.text * 1.35, width, large, true) +
    line(note, x, large.text * 1.35 + look.text * 1.4, width, look)
  );
}

/** A line of text, made narrower where it would not fit. */
function line(
  words: string,
  x: number,
  y: number,
  width: number,
  look: PanelLook,
  isBold = false,
): string {
  const wanted = textWidth(words, { size: look.text, isBold });
  const size = look.text * Math.min(1, width / wanted);
  return `<path d="${textOutline(words, x, y, { size, isBold })}" fill="${isBold ? ink : soft}"/>`;
}

function inWords(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

function unknownImage({ name, entries }: CocoDataset, imageId: number): LabError {
  const some = entries.slice(0, 8).map(({ id }) => id);
  return new LabError({
    kind: 'option',
    what: `there is no image ${imageId} in the data set`,
    where: name,
    found: `${inWords(entries.length, 'image')}: ${some.join(', ')}${entries.length > some.length ? ', …' : ''}`,
    remedy: 'Give the id of one of its images',
  });
}
