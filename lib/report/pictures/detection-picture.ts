import sharp from 'sharp';
import type { CocoAnnotation, CocoBox, CocoDetection } from '../../detection/coco/annotations';
import type { CocoDataset, CocoEntry } from '../../detection/coco/data';
import { scaledImage } from '../../detection/coco/images';
import { judgeImage } from '../../detection/coco/judgement';
import { type LabError, optionError, shown } from '../../errors';
import { count } from '../numbers';
import { categoryColour } from './colours';
import { textOutline, textWidth } from './font';

/** A rectangle in the pixels of a picture. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/**
 * A place for the label of each box, inside the picture: above it, below it, within or beside it,
 * whichever is the first that covers no label placed before; above it where all do.
 *
 * @param boxes in the order of importance
 * @param sizes of the labels, one a box
 */
export function placeLabels(
  boxes: readonly Area[],
  sizes: readonly Pick<Area, 'width' | 'height'>[],
  picture: Area,
): Area[] {
  const placed: Area[] = [];
  boxes.forEach((box, index) => {
    const { width = 0, height = 0 } = sizes[index] ?? {};
    const left = box.x;
    const right = box.x + box.width - width;
    const bottom = box.y + box.height;
    const candidates = [
      { x: left, y: box.y - height },
      { x: right, y: box.y - height },
      { x: left, y: bottom },
      { x: left, y: box.y },
      { x: left, y: bottom - height },
      { x: right, y: bottom },
      { x: box.x + box.width, y: box.y },
      { x: left - width, y: box.y },
    ].map(({ x, y }) => ({ x, y, width, height }));
    const inside = candidates.filter((area) => contains(picture, area));
    const moved = candidates.map((area) => movedInside(area, picture));
    const free = [...inside, ...moved].find((area) => !placed.some((other) => touch(area, other)));
    const chosen = free ?? inside[0] ?? moved[0];
    if (chosen) placed.push(chosen);
  });
  return placed;
}

function contains(outer: Area, inner: Area): boolean {
  return (
    inner.x >= outer.x &&
    inner.y >= outer.y &&
    inner.x + inner.width <= outer.x + outer.width &&
    inner.y + inner.height <= outer.y + outer.height
  );
}

function movedInside(area: Area, picture: Area): Area {
  const within = (value: number, least: number, most: number): number =>
    Math.max(least, Math.min(value, most));
  return {
    ...area,
    x: within(area.x, picture.x, picture.x + picture.width - area.width),
    y: within(area.y, picture.y, picture.y + picture.height - area.height),
  };
}

function touch(a: Area, b: Area): boolean {
  return a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
}

/** A box of a panel, in the panel's own pixels. */
export interface PanelBox extends Area {
  /** None where it is empty. */
  readonly label: string;
  readonly colour: string;
  /** For what was found or is there, for what is wrong, for what was missed. */
  readonly line: 'thick' | 'dashed' | 'dotted';
}

/** How large lines and letters are, in pixels. */
export interface PanelLook {
  readonly text: number;
  readonly line: number;
}

/**
 * Boxes with their labels as SVG, to lie over an image: a dark edge on both sides of each line, so that it
 * can be seen on any ground, and labels with black letters on the box's own colour.
 *
 * @param boxes in the order of importance: the first ones are drawn last and choose their label's place first
 */
function panelOverlay(boxes: readonly PanelBox[], panel: Area, look: PanelLook): string {
  const labelled = boxes.filter(({ label }) => label !== '');
  const pad = Math.round(look.text / 4);
  const bold = { size: look.text, isBold: true };
  const sizes = labelled.map(({ label }) => ({
    width: Math.ceil(textWidth(label, bold)) + 2 * pad,
    height: Math.round(look.text * 1.35),
  }));
  const places = placeLabels(labelled, sizes, panel);
  const labels = labelled.map(({ label, colour }, index) => {
    const { x, y, width, height } = places[index] ?? panel;
    const letters = textOutline(label, x + pad, y + look.text * 1.02, bold);
    return `<rect x="${x}" y="${y}" width="${width}" height="${height}" fill="${colour}"/><path d="${letters}" fill="#000"/>`;
  });
  const lines = boxes.map((box) => outline(box, look.line));
  return [...lines.reverse(), ...labels.reverse()].join('\n');
}

function outline({ x, y, width, height, colour, line }: PanelBox, thickness: number): string {
  const shape = `x="${x}" y="${y}" width="${Math.max(1, width)}" height="${Math.max(1, height)}" fill="none"`;
  const wide = line === 'dotted' ? Math.max(1.5, thickness / 2) : thickness;
  const dash = {
    thick: '',
    dashed: ` stroke-dasharray="${3 * thickness} ${2 * thickness}"`,
    dotted: ` stroke-dasharray="${thickness} ${thickness}"`,
  }[line];
  return `<rect ${shape} stroke="#000" stroke-opacity="0.65" stroke-width="${wide + 2}"/><rect ${shape} stroke="${colour}" stroke-width="${wide}"${dash}/>`;
}

/** What one detector found, under its name. */
export interface DetectionPanel {
  /** `teacher`, `student alone`, `KD++`. */
  readonly title: string;
  /** Of any images; those of the drawn one are taken. */
  readonly detections: readonly CocoDetection[];
}

/** How a picture looks. */
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

const encodings = {
  png: { compressionLevel: 9 },
  jpeg: { quality: 88, chromaSubsampling: '4:4:4' },
};
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
  const { pixels } = scaledImage(await dataset.decode(entry), size);
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
    bytes: await canvas.removeAlpha().toFormat(format, encodings[format]).toBuffer(),
    mime: `image/${format}`,
    width,
    height,
    description: `image ${imageId} (${shown(entry.fileName)}): ${panels.map(({ title, note }) => `${title}: ${note}`).join('; ')}`,
  };
}

function truthPanel(dataset: CocoDataset, objects: readonly CocoAnnotation[]): Panel {
  const crowds = objects.filter(({ crowd }) => crowd).length;
  const counted = count(objects.length - crowds, 'object');
  return {
    title: 'ground truth',
    note: crowds === 0 ? counted : `${counted}, ${count(crowds, 'crowd')}`,
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
  const judgedAs = (wanted: string): number =>
    judged.detections.filter(({ verdict }) => verdict === wanted).length;
  const all = objects.filter(({ crowd }) => !crowd).length;
  return {
    title,
    note: `${judgedAs('right')} of ${all} found, ${judgedAs('wrong')} wrong`,
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
  const index = categories.findIndex(({ id }) => id === categoryId);
  const name = categories[index]?.name ?? `category ${categoryId}`;
  return { label: `${name}${ending}`, colour: categoryColour(Math.max(0, index)) };
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

function unknownImage({ name, entries }: CocoDataset, imageId: number): LabError {
  const some = entries.slice(0, 8).map(({ id }) => id);
  return optionError`there is no image ${imageId} in the data set (${name}): found ${count(entries.length, 'image')}: ${some.join(', ')}${entries.length > some.length ? ', …' : ''}. Give the id of one of its images`;
}
