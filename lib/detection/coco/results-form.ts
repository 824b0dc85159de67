import { join } from 'node:path';
import { z } from 'zod';
import { lastLines, runProgram } from '../../engine/program';
import { dataError, LabError, optionError } from '../../errors';
import { writeAtomic } from '../../files';
import { packageRoot } from '../../package-root';
import {
  type CocoAnnotations,
  type CocoDetection,
  faultList,
  inShort,
  readCocoJson,
} from './annotations';
import { cocoStatNames, type CocoStats } from './evaluate';
import { placesOfDetections } from './matching';

/** What each figure is, in the words of pycocotools' summary. */
const meanings: Readonly<Record<keyof CocoStats, readonly [string, string, string, number]>> = {
  AP: ['Precision', '0.50:0.95', 'all', 100],
  AP50: ['Precision', '0.50', 'all', 100],
  AP75: ['Precision', '0.75', 'all', 100],
  APs: ['Precision', '0.50:0.95', 'small', 100],
  APm: ['Precision', '0.50:0.95', 'medium', 100],
  APl: ['Precision', '0.50:0.95', 'large', 100],
  AR1: ['Recall', '0.50:0.95', 'all', 1],
  AR10: ['Recall', '0.50:0.95', 'all', 10],
  AR100: ['Recall', '0.50:0.95', 'all', 100],
  ARs: ['Recall', '0.50:0.95', 'small', 100],
  ARm: ['Recall', '0.50:0.95', 'medium', 100],
  ARl: ['Recall', '0.50:0.95', 'large', 100],
};

/** The twelve figures, a line each: `AP50   Precision at IoU 0.50, all sizes, 100 detections: 0.541`. */
export function statsText(stats: CocoStats): string {
  return cocoStatNames
    .map((name) => {
      const [what, overlap, sizes, detections] = meanings[name];
      const value = stats[name] < 0 ? 'no such object' : stats[name].toFixed(3);
      const most = `${String(detections)} detection${detections === 1 ? '' : 's'}`;
      return `${name.padEnd(6)} ${value}  ${what} at IoU ${overlap}, ${sizes} sizes, at most ${most} an image and category`;
    })
    .join('\n');
}

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

/**
 * Checks that detections are of a data set's images and categories.
 *
 * @param file that the detections were read from
 * @throws LabError of kind `data` that names both files and the detections that are not.
 */
export function requireDetectionsOf(
  groundTruth: CocoAnnotations,
  detections: readonly CocoDetection[],
  file: string,
): void {
  try {
    placesOfDetections(groundTruth, detections);
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
    throw error.in(`${file} against ${groundTruth.file}`);
  }
}

const remedy =
  'Give a list of {"image_id", "category_id", "bbox": [x, y, width, height], "score"}, COCO’s own results form';

/**
 * Writes detections in COCO's results form, which pycocotools' `loadRes` and COCO's server read: in the
 * order given, numbers as they are.
 */
export function writeDetections(path: string, detections: readonly CocoDetection[]): void {
  const lines = detections.map(({ imageId, categoryId, box, score }) =>
    JSON.stringify({ image_id: imageId, category_id: categoryId, bbox: box, score }),
  );
  writeAtomic(path, `[${lines.join(',\n')}]\n`);
}

/**
 * Reads detections in COCO's results form.
 *
 * @throws LabError of kind `file` for a missing file or broken JSON, of kind `data` that names entries of
 * another form and boxes of negative width or height.
 */
export function readDetections(path: string): CocoDetection[] {
  const content = readCocoJson(path, remedy);
  if (!Array.isArray(content)) {
    throw dataError`a file of detections is not a list (${path}): found a JSON ${typeof content}. ${remedy}`;
  }
  const faults = faultList();
  const detections: CocoDetection[] = [];
  for (const [index, entry] of (content as readonly unknown[]).entries()) {
    const detection = detectionOf(entry);
    const name = `entry ${index + 1}`;
    if (!detection) faults.add('entries of another form', `${name}: ${inShort(entry)}`);
    else if (detection.box[2] < 0 || detection.box[3] < 0) {
      const { imageId, box } = detection;
      faults.add('boxes of negative size', `${name} on image ${imageId}: ${inShort(box)}`);
    } else detections.push(detection);
  }
  faults.throwIfAny(
    (found) => dataError`the detections are faulty (${path}): found ${found}. ${remedy}`,
  );
  return detections;
}

function detectionOf(entry: unknown): CocoDetection | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  const { image_id, category_id, bbox, score } = entry as Readonly<Record<string, unknown>>;
  if (typeof image_id !== 'number' || typeof category_id !== 'number') return undefined;
  if (typeof score !== 'number' || !Array.isArray(bbox) || bbox.length !== 4) return undefined;
  const [x, y, width, height] = bbox as readonly unknown[];
  if (typeof x !== 'number' || typeof y !== 'number') return undefined;
  if (typeof width !== 'number' || typeof height !== 'number') return undefined;
  return { imageId: image_id, categoryId: category_id, box: [x, y, width, height], score };
}

/** What pycocotools made of two files. */
export interface PycocotoolsEvaluation {
  readonly version: string;
  readonly readMs: number;
  readonly evaluateMs: number;
  readonly stats: CocoStats;
}

const replySchema = z.object({
  version: z.string(),
  readMs: z.number(),
  evaluateMs: z.number(),
  stats: z.array(z.number()).length(cocoStatNames.length),
});

/**
 * Lets pycocotools evaluate detections from their files.
 *
 * @param given.python a Python that has pycocotools
 * @param given.option where the user named it, for messages
 * @throws LabError of kind `option` when Python or pycocotools is not there, or refuses the files.
 */
export async function evaluateInPython(
  annotations: string,
  results: string,
  { python, option }: { readonly python: string; readonly option: string },
): Promise<PycocotoolsEvaluation> {
  const script = join(packageRoot(), 'lib', 'bench', 'pycocotools_eval.py');
  const { stdout, stderr } = await runProgram(python, [script, annotations, results]);
  const answer = replySchema.safeParse(jsonOf(stdout));
  if (!answer.success) {
    throw optionError`pycocotools could not be run (${option} ${python}): found ${lastLines(`${stderr}\n${stdout}`, 2) || 'no answer'}. Give a Python that has it (${python} -m pip install pycocotools), or leave ${option} out`;
  }
  const { stats, ...others } = answer.data;
  const named = Object.fromEntries(cocoStatNames.map((name, index) => [name, stats[index] ?? NaN]));
  return { ...others, stats: named as Record<keyof CocoStats, number> };
}

/** The largest difference between two of the twelve figures. */
export function largestDifference(ours: CocoStats, theirs: CocoStats): number {
  return Math.max(...cocoStatNames.map((name) => Math.abs(ours[name] - theirs[name])));
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
