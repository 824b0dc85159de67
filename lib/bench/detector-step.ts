import type { DetectionBatch, DetectionItem } from '../detection/coco/data';
import { createDetector, type DetectorOptions } from '../detection/detector';
import type { DetectionTeacher } from '../detection/distillation';
import { createDetectionLearner } from '../detection/learner';
import { type PartTime, timeParts } from '../detection/stopwatch';
import type { Method } from '../distill/terms';
import type { Precision } from '../engine/precision';
import { random } from '../engine/random';
import { peakMemoryMiB } from '../environment';
import type { DetectionSampling } from '../runs/detection-recipe';
import type { Pair } from '../runs/grid';
import {
  type OnBenchProgress,
  profileOperations,
  summarise,
  timeEach,
  timeOnce,
  type TimeSummary,
} from './step';
import {
  type ComparedStep,
  compareWithTorch,
  startFastestTorch,
  type TorchComparison,
  type TorchOptions,
} from './torch';

type DetectorForm = Omit<DetectorOptions, 'classes' | 'seed'>;

interface DetectorStepOptions {
  /** None for a student alone. */
  readonly teacher?: DetectorForm;
  readonly student: DetectorForm;
  readonly method: Method;
  readonly sampling?: DetectionSampling;
  readonly precision?: Precision;
  readonly classes: number;
  /** Images in a step. */
  readonly batch: number;
  /** Of each image; the sides of a batch are multiples of 32 above. */
  readonly size: { readonly height: number; readonly width: number };
  /** Steps that count, after one that does not. */
  readonly iterations: number;
  /** Also time every operation, in a step of its own. */
  readonly profile?: boolean;
  readonly onProgress?: OnBenchProgress;
}

export interface DetectorStep extends TimeSummary {
  /** RoIAlign, non-maximum suppression, matching: what is no layer of a network. */
  readonly parts: readonly PartTime[];
  /** Of this process. */
  readonly peakMemoryMiB: number;
  /** Of the last step, by name. */
  readonly losses: Readonly<Record<string, number>>;
  readonly operations?: readonly PartTime[];
}

/** COCO has 7.3 objects an image. */
const objectsAnImage = 8;
/** Random weights under frozen norms give gradients that no rate suits; a step takes as long without. */
const learningRate = 0;

/**
 * Times a training step of a distilled detector on made-up images: the teacher's and the student's
 * forward pass, proposals, sampling, both heads on the student's regions, losses, the student's backward
 * pass, SGD. Weights are random, so that regions are as many as in training, if not as good.
 */
export function benchmarkDetectorStep(options: DetectorStepOptions): DetectorStep {
  const step = createDetectorStep(options);
  try {
    return measure(step, options);
  } finally {
    step.dispose();
  }
}

/**
 * The same, and the same step of torchvision's detectors in turn with it.
 *
 * @param names of both detectors: `r101-fpn`
 * @throws LabError when the detectors differ, none is written in PyTorch, or PyTorch fails.
 */
export async function compareDetectorStep(
  options: DetectorStepOptions,
  names: Pair,
  torch: TorchOptions & { readonly rounds: number },
): Promise<DetectorStep & { readonly torch: TorchComparison }> {
  const { batch, size, iterations, onProgress } = options;
  const compared = {
    work: { work: 'detector', ...names, batch, ...size },
    ...{ iterations, torch, onProgress },
  } as const;
  // PyTorch first: what is wrong with it shows before anything is timed.
  const rival = await startFastestTorch(compared);
  const step = createDetectorStep(options);
  try {
    return { ...measure(step, options), torch: await compareWithTorch(step, rival, compared) };
  } finally {
    rival.process.stop();
    step.dispose();
  }
}

interface MadeStep extends ComparedStep {
  /** Of the last step, by name. */
  readonly losses: () => Readonly<Record<string, number>>;
  readonly dispose: () => void;
}

function createDetectorStep(options: DetectorStepOptions): MadeStep {
  const { classes, method, sampling } = options;
  const student = createDetector({ ...options.student, classes, seed: 1 });
  const teacher = options.teacher && madeUpTeacher(options.teacher, classes);
  const learner = createDetectionLearner({
    student,
    ...(teacher ? { teacher, method } : {}),
    ...sampling,
    precision: options.precision,
    // A step takes as long whatever a term weighs.
    iterationsPerEpoch: 1,
    seed: 1,
  });
  const batch = madeUpBatch(options);
  let iteration = 0;
  let losses: Float32Array = new Float32Array();
  return {
    whole: () => {
      ({ losses } = learner.step(batch, { iteration: iteration++, learningRate }));
    },
    losses: () =>
      Object.fromEntries(learner.lossNames.map((name, index) => [name, losses[index] ?? NaN])),
    parameters: [teacher?.detector.state.parameterCount ?? 0, student.state.parameterCount],
    dispose() {
      learner.dispose();
      student.dispose();
      teacher?.detector.dispose();
    },
  };
}

function measure(
  { whole, losses }: MadeStep,
  { iterations, profile = false, onProgress }: DetectorStepOptions,
): DetectorStep {
  onProgress?.('warming up', 0, 1);
  timeOnce(whole);
  let times: number[] = [];
  const parts = timeParts(() => {
    times = timeEach(whole, iterations, (done) => onProgress?.('step', done, iterations));
  });
  return {
    ...summarise(times),
    parts: parts.average(iterations),
    peakMemoryMiB: peakMemoryMiB(),
    losses: losses(),
    ...(profile ? { operations: profileOperations(whole, 1).operations } : {}),
  };
}

/** Up to this side a whole batch is tried; above it one image, as memory may not hold more. */
const largestTried = 256;

/** Seconds of a step with so many images of common shape, from one step here. */
export function estimateDetectionStep({
  shortSide,
  batch,
  ...options
}: Omit<DetectorStepOptions, 'size' | 'iterations'> & { readonly shortSide: number }): number {
  const size = { height: shortSide, width: Math.round((shortSide * 4) / 3) };
  const tried = shortSide <= largestTried ? batch : 1;
  const { ms } = benchmarkDetectorStep({ ...options, batch: tried, size, iterations: 1 });
  return (ms * batch) / (1000 * tried);
}

/** A teacher with random weights and class means. */
function madeUpTeacher(form: DetectorForm, classes: number): DetectionTeacher {
  const detector = createDetector({ ...form, classes, seed: 2 });
  const { uniform } = random(0, 'benchmark', 'class means');
  const length = (classes + 1) * detector.embeddingSize;
  return { detector, classMeans: Float32Array.from({ length }, uniform) };
}

/** Noise with boxes of all sizes in it. */
function madeUpBatch({ batch, size, classes }: DetectorStepOptions): DetectionBatch {
  const { height, width } = size;
  const draw = random(0, 'benchmark', 'images');
  const padded = (side: number): number => 32 * Math.ceil(side / 32);
  const items = Array.from({ length: batch }, (_, image): DetectionItem => {
    const boxes = Array.from({ length: objectsAnImage }, () => {
      const side = (most: number): number => most * Math.exp(-3.5 * draw.uniform());
      const [w, h] = [side(width), side(height)];
      const [x, y] = [draw.uniform() * (width - w), draw.uniform() * (height - h)];
      return [x, y, x + w, y + h];
    });
    return {
      imageId: image + 1,
      height,
      width,
      originalHeight: height,
      originalWidth: width,
      scale: { x: 1, y: 1 },
      boxes: Float32Array.from(boxes.flat()),
      labels: Int32Array.from(boxes, () => draw.integer(classes)),
    };
  });
  const whole = { height: padded(height), width: padded(width) };
  const images = Float32Array.from(
    { length: batch * whole.height * whole.width * 3 },
    () => 2 * draw.uniform() - 1,
  );
  return { images, ...whole, items };
}
