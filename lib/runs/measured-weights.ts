import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { readClassFolders } from '../data/folder';
import { preprocessingOf } from '../data/images';
import type { OnDataProgress } from '../data/progress';
import type { CocoDataset } from '../detection/coco/data';
import { createDetector } from '../detection/detector';
import { detectDataset } from '../detection/inference';
import { loadDetectorWeights } from '../detection/weights';
import { readJson, writeAtomic } from '../files';
import { paperTable } from '../paper';
import { checkRecord } from '../records';
import { evaluateFolder } from '../train/evaluate-folder';
import { loadTrainedModel } from './classification-teacher';
import { evaluationRecord } from './detection';
import type { DetectorForm } from './detection-recipe';
import { differenceWarning } from './published-teachers';

/** A figure that was published with weights, and how images were prepared for it. */
export interface PublishedFigure {
  /** As for this model. */
  readonly preparedAs: string;
  /** Percent. */
  readonly value: number;
  readonly whose: string;
}

const measuredSchema = z.strictObject({
  name: z.string(),
  /** The file's name, not its place. */
  file: z.string(),
  sha256: z.string(),
  dataset: z.string(),
  figure: z.enum(['top-1', 'box AP']),
  preparedAs: z.string(),
  images: z.int(),
  /** Percent. */
  value: z.number(),
  published: z.number(),
  whose: z.string(),
  /** What a reader must know before using the weights; null when all is well. */
  warning: z.string().nullable(),
});

/** Published weights as they were measured here. */
export type MeasuredWeights = z.infer<typeof measuredSchema>;

/** timm's own of its vision transformers: `results/results-imagenet.csv` of timm 0.6.12. */
const timm: Readonly<Record<string, number>> = {
  vit_small_patch16_224: 81.396,
  vit_base_patch16_224: 84.53,
};

/** detectron2's model zoo. */
const boxAp: Readonly<Record<string, number>> = { 'r101-fpn': 42.0, 'r50-fpn': 40.2 };

/** What was published of a teacher of table 2; the paper prepares images for all as for its ResNets. */
export function imageNetFigures(name: string): PublishedFigure[] {
  const paper = (['scalable-teachers-first', 'deit'] as const)
    .flatMap((table) => {
      const { pairs, rows } = paperTable(table);
      const pair = pairs.find(({ teacher }) => teacher === name)?.pair;
      const row = rows.find(({ method }) => method === 'teacher');
      return pair === undefined ? [] : (row?.values[pair] ?? []);
    })
    .at(0);
  const own = timm[name];
  const preparedAs = own === undefined ? name : 'resnet18';
  return [
    ...(paper === undefined ? [] : [{ preparedAs, value: paper, whose: 'the paper' }]),
    ...(own === undefined ? [] : [{ preparedAs: name, value: own, whose: 'timm 0.6.12' }]),
  ];
}

/** The published box AP of a teacher of table 3. */
export function detectorFigure(name: string): PublishedFigure | undefined {
  const value = boxAp[name];
  return value === undefined ? undefined : { preparedAs: name, value, whose: 'detectron2' };
}

interface Weights {
  readonly name: string;
  readonly file: string;
  readonly sha256: string;
}

interface Measuring {
  /** What was measured before; the same weights are not measured twice. */
  readonly known: readonly MeasuredWeights[];
  /** Told of each figure as it is measured, so that it can be kept. */
  readonly onMeasured: (measured: MeasuredWeights) => void;
  readonly onProgress?: OnDataProgress;
}

/**
 * Measures a classifier on the validation images of a folder, once for each way in which its published figures
 * prepared them.
 *
 * @throws LabError when its weights are broken or another model's, or an image cannot be decoded.
 */
export async function measureClassifier(
  { name, file, sha256 }: Weights,
  {
    folder,
    dataset,
    figures,
  }: { folder: string; dataset: string; figures: readonly PublishedFigure[] },
  { known, onMeasured, onProgress }: Measuring,
): Promise<void> {
  const left = figures.filter(
    ({ preparedAs }) => !known.some((one) => isOf(one, { sha256, dataset, preparedAs })),
  );
  if (left.length === 0) return;
  const { classes } = readClassFolders(join(folder, 'val'));
  const model = await loadTrainedModel(file, name, classes.length);
  try {
    for (const { preparedAs, value: published, whose } of left) {
      const preprocessing = preprocessingOf(preparedAs);
      const { top1, images } = await evaluateFolder(model, folder, preprocessing, {
        ...(onProgress === undefined ? {} : { onProgress }),
      });
      onMeasured({
        ...{ name, file: basename(file), sha256, dataset, figure: 'top-1', preparedAs, images },
        ...{ value: top1, published, whose },
        warning: warningOf(name, top1, published, whose),
      });
    }
  } finally {
    model.dispose();
  }
}

/**
 * Measures a detector's box AP on the images of a data set.
 *
 * @throws LabError as `loadDetectorWeights` does, or when an image cannot be decoded.
 */
export async function measureDetector(
  { name, file, sha256 }: Weights,
  {
    form,
    evaluation,
    dataset,
    figure,
    shortSide,
    longest,
  }: {
    readonly form: DetectorForm;
    readonly evaluation: CocoDataset;
    readonly dataset: string;
    readonly figure: PublishedFigure;
    readonly shortSide: number;
    readonly longest: number;
  },
  { known, onMeasured, onProgress }: Measuring,
): Promise<void> {
  const { preparedAs, value: published, whose } = figure;
  if (known.some((one) => isOf(one, { sha256, dataset, preparedAs }))) return;
  const detector = createDetector({ ...form, classes: evaluation.classes.length });
  try {
    await loadDetectorWeights(detector, file);
    const found = await detectDataset(detector, evaluation, {
      ...{ batchSize: 1, shortSide, longest },
      onImages: (done, total) =>
        onProgress?.({ message: `measuring ${name}`, unit: 'images', done, total }),
    });
    const { stats, images } = evaluationRecord(evaluation, found);
    const value = 100 * stats.AP;
    onMeasured({
      ...{ name, file: basename(file), sha256, dataset, figure: 'box AP', preparedAs, images },
      ...{ value, published, whose },
      warning: warningOf(name, value, published, whose),
    });
  } finally {
    detector.dispose();
  }
}

function isOf(
  measured: MeasuredWeights,
  asked: Pick<MeasuredWeights, 'sha256' | 'dataset' | 'preparedAs'>,
): boolean {
  return (['sha256', 'dataset', 'preparedAs'] as const).every(
    (key) => measured[key] === asked[key],
  );
}

function warningOf(name: string, value: number, published: number, whose: string): string | null {
  return differenceWarning(`${name}`, value, published, whose) ?? null;
}

const recordSchema = z.array(measuredSchema);
const fileName = 'published-weights.json';

/** Where a folder of results keeps what was measured. */
function measuredFile(results: string): string {
  return join(results, fileName);
}

/** What was measured before. @throws LabError of kind `results` or `file` when the record is broken. */
export function readMeasured(results: string): MeasuredWeights[] {
  const file = measuredFile(results);
  if (!existsSync(file)) return [];
  const fix = 'Move it away to have all measured anew';
  return checkRecord(recordSchema, readJson(file, fix), file, fix);
}

/** Keeps a measurement in the place of an earlier one of the same weights. @returns all that are kept */
export function keepMeasured(results: string, measured: MeasuredWeights): MeasuredWeights[] {
  const others = readMeasured(results).filter((one) => !isOf(one, measured));
  const all = [...others, measured].sort((a, b) =>
    `${a.name} ${a.preparedAs}` < `${b.name} ${b.preparedAs}` ? -1 : 1,
  );
  writeAtomic(measuredFile(results), `${JSON.stringify(all, undefined, 2)}\n`);
  return all;
}
