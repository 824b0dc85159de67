import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { readAnnotations } from '../detection/coco/annotations';
import { cocoStatNames, evaluateCoco } from '../detection/coco/evaluate';
import { readDetections } from '../detection/coco/results-form';
import { suppressOverlaps, suppressWithinGroups } from '../detection/non-maximum-suppression';
import { roiAlign } from '../detection/roi-align';
import { tidied } from '../engine/tidy';
import {
  type CaseOutcome,
  type Checker,
  compareNumber,
  compareNumbers,
  compareText,
  euclideanNorm,
  NotAvailable,
  readReference,
} from './compare';
import { deterministic, deterministicLabels } from './deterministic';

/** Share of the largest entry by which a value or gradient may differ in float32. */
const ofOperation = { tolerance: 1e-5 };

/** What every case of RoIAlign reads: [images, channels, height, width] under this name. */
const input = { name: 'det/features', shape: [2, 8, 20, 24] } as const;
/** Values are stored of the first two channels, the gradient of the first image's first channel. */
const storedChannels = 2;

const alignForm = z.object({
  spatialScale: z.number(),
  outputSize: z.int().positive(),
  samplingRatio: z.int().nonnegative(),
  aligned: z.literal(true),
  rois: z.array(z.array(z.number()).length(5)),
  outputL2: z.number(),
  output: z.array(z.number()),
  gradName: z.string(),
  inputGradL2: z.number(),
  inputGradHead: z.array(z.number()),
});
const suppressionForm = z.object({
  n: z.int().positive(),
  threshold: z.number(),
  keep: z.array(z.int()),
  keepPerClass: z.array(z.int()),
});
const operationForm = z.object({
  roiAlign: z.array(alignForm),
  nms: z.array(suppressionForm),
  boxCoder: z.array(z.unknown()),
});

/** RoIAlign with its gradient and non-maximum suppression: `detection-ops.json`. */
export const detectionOpsChecker: Checker = {
  entry: 'detection-ops.json',
  cases(path) {
    const reference = readReference(path, operationForm);
    return [
      ...reference.roiAlign.map((entry) => ({
        name: `roiAlign ${entry.outputSize}x${entry.outputSize}, ${entry.samplingRatio || 'adaptive'} samples, scale ${entry.spatialScale}`,
        run: () => checkAlign(entry),
      })),
      ...reference.nms.map((entry) => ({
        name: `nms of ${entry.n} above ${entry.threshold}`,
        run: () => checkSuppression(entry),
      })),
      ...reference.boxCoder.map((_, index) => ({
        name: `boxCoder ${index}`,
        run: () => {
          throw new NotAvailable('cases of box coding, of which this version knows no form');
        },
      })),
    ];
  },
};

function checkAlign(entry: z.infer<typeof alignForm>): CaseOutcome {
  const { rois, spatialScale: scale, outputSize: size, samplingRatio } = entry;
  const [, channels, height, width] = input.shape;
  const boxes = Float32Array.from(rois.flatMap((roi) => roi.slice(1)));
  const regions = { boxes, images: Int32Array.from(rois, ([image = 0]) => image) };
  const align = (features: tf.Tensor): tf.Tensor =>
    roiAlign([{ features: features as tf.Tensor4D, scale }], regions, new Int32Array(rois.length), {
      size,
      samplingRatio,
    });
  const cells = size ** 2;
  const found = tidied(() => {
    const stored = tf.tensor4d(deterministic(input.name, input.shape), [...input.shape]);
    const upstream = deterministic(entry.gradName, [rois.length, channels, cells]);
    const { value, grad } = tf.valueAndGrad(align)(
      tf.transpose(stored, [0, 2, 3, 1]),
      tf.transpose(tf.tensor3d(upstream, [rois.length, channels, cells]), [0, 2, 1]),
    );
    const output = tf.transpose(value, [0, 2, 1]);
    return {
      all: value.dataSync<'float32'>(),
      output: tf.slice(output, [0, 0, 0], [-1, storedChannels, -1]).dataSync<'float32'>(),
      gradient: grad.dataSync<'float32'>(),
      head: tf
        .slice(tf.transpose(grad, [0, 3, 1, 2]), [0, 0, 0, 0], [1, 1, height, width])
        .dataSync<'float32'>(),
    };
  });
  return {
    mismatches: [
      ...compareNumbers('output', entry.output, found.output, ofOperation),
      ...compareNumber('norm of the output', entry.outputL2, euclideanNorm(found.all), ofOperation),
      ...compareNumbers('gradient', entry.inputGradHead, found.head, ofOperation),
      ...compareNumber(
        'norm of the gradient',
        entry.inputGradL2,
        euclideanNorm(found.gradient),
        ofOperation,
      ),
    ],
  };
}

function checkSuppression({
  n,
  threshold,
  keep,
  keepPerClass,
}: z.infer<typeof suppressionForm>): CaseOutcome {
  const corners = deterministic(`det/nms/xy${n}`, [n, 2], 100, 100);
  const sides = deterministic(`det/nms/wh${n}`, [n, 2], 30, 40);
  const scores = deterministic(`det/nms/s${n}`, [n], 0.5, 0.5);
  const groups = deterministicLabels(`det/nms/c${n}`, n, 3);
  const boxes = Float32Array.from({ length: 4 * n }, (_, index) => {
    const at = 2 * Math.floor(index / 4) + (index % 2);
    return (corners[at] ?? 0) + (index % 4 < 2 ? 0 : (sides[at] ?? 0));
  });
  const list = (indices: ArrayLike<number>): string => Array.from(indices).join(' ');
  return {
    mismatches: [
      ...compareText('kept', list(keep), list(suppressOverlaps(boxes, scores, threshold))),
      ...compareText(
        'kept within classes',
        list(keepPerClass),
        list(suppressWithinGroups(boxes, scores, groups, threshold)),
      ),
    ],
  };
}

/** Largest difference between two shares. */
const figureTolerance = 1e-9;

const evaluationForm = z.object({
  metrics: z.record(z.string(), z.number()),
  apPerCategory: z.record(z.string(), z.number()),
});

/** Average precision of detections, one folder a case: the folder `coco-eval`. */
export const cocoEvalChecker: Checker = {
  entry: 'coco-eval',
  cases: (path) =>
    readdirSync(path)
      .sort()
      .map((name) => ({ name, run: () => compareEvaluation(join(path, name)) })),
};

function compareEvaluation(folder: string): CaseOutcome {
  const expected = readReference(join(folder, 'expected.json'), evaluationForm);
  const groundTruth = readAnnotations(join(folder, 'instances.json'));
  const detections = readDetections(join(folder, 'detections.json'));
  const { stats, byCategory } = evaluateCoco(groundTruth, detections);
  const compare = (quantity: string, value: number | undefined, found: number | undefined) =>
    compareNumber(quantity, value ?? NaN, found ?? NaN, { tolerance: figureTolerance, scale: 1 });
  return {
    mismatches: [
      ...cocoStatNames.flatMap((name) => compare(name, expected.metrics[name], stats[name])),
      ...byCategory.flatMap(({ id, name, AP }) =>
        compare(`AP of ${name}`, expected.apPerCategory[name] ?? expected.apPerCategory[id], AP),
      ),
    ],
  };
}
