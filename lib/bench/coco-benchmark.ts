import { join } from 'node:path';
import { median } from 'simple-statistics';
import { readAnnotations } from '../detection/coco/annotations';
import { type CocoStats, evaluateCoco } from '../detection/coco/evaluate';
import { madeUpDetections, type MadeUpOptions, madeUpVal2017 } from '../detection/coco/made-up';
import {
  evaluateInPython,
  largestDifference,
  readDetections,
  writeAnnotations,
  writeDetections,
} from '../detection/coco/results-form';
import { inTemporaryFolder } from '../processes';
import type { OnBenchProgress } from './step';

interface CocoBenchmarkOptions {
  readonly rounds: number;
  /** A Python that has pycocotools; only our own time is taken without one. */
  readonly python?: string;
  /** val2017's measures unless given. */
  readonly size?: MadeUpOptions;
  readonly onProgress?: OnBenchProgress;
}

/** Milliseconds of reading both files and of evaluating. */
interface EvaluationTime {
  readonly readMs: number;
  readonly evaluateMs: number;
}

interface CocoRound extends EvaluationTime {
  readonly pycocotools?: EvaluationTime;
  /** Our time, reading included, divided by that of pycocotools. */
  readonly ratio?: number;
}

export interface CocoBenchmark {
  readonly size: MadeUpOptions;
  readonly rounds: readonly CocoRound[];
  /** Medians over the rounds. */
  readonly ms: number;
  readonly pycocotools?: {
    readonly version: string;
    readonly ms: number;
    /** Below 1 this package is the faster one. */
    readonly ratio: number;
    /** Largest difference between two of the twelve figures. */
    readonly largestDifference: number;
  };
}

/**
 * Times COCO's evaluation of made-up detections from their files, in turn with pycocotools on the same
 * files, and compares the figures.
 *
 * @throws LabError of kind `option` when Python or pycocotools is not there.
 */
export async function benchmarkCoco({
  rounds,
  python,
  size = madeUpVal2017,
  onProgress,
}: CocoBenchmarkOptions): Promise<CocoBenchmark> {
  return inTemporaryFolder('coco', async (folder) => {
    const annotations = join(folder, 'instances.json');
    const results = join(folder, 'detections.json');
    onProgress?.('making up objects and detections', 0, 1);
    const madeUp = madeUpDetections(size);
    writeAnnotations(annotations, madeUp.groundTruth);
    writeDetections(results, madeUp.detections);
    const measured: CocoRound[] = [];
    let version = '';
    let difference = 0;
    for (let round = 0; round < rounds; round++) {
      onProgress?.('evaluation', round, rounds);
      const { stats, ...ours } = evaluateHere(annotations, results);
      if (python === undefined) {
        measured.push(ours);
        continue;
      }
      const theirs = await evaluateInPython(annotations, results, { python, option: '--python' });
      ({ version } = theirs);
      difference = Math.max(difference, largestDifference(stats, theirs.stats));
      const { readMs, evaluateMs } = theirs;
      const ratio = total(ours) / total(theirs);
      measured.push({ ...ours, pycocotools: { readMs, evaluateMs }, ratio });
    }
    return {
      size,
      rounds: measured,
      ms: median(measured.map(total)),
      ...(python === undefined
        ? {}
        : {
            pycocotools: {
              version,
              ms: median(measured.map((round) => total(round.pycocotools))),
              ratio: median(measured.map(({ ratio }) => ratio ?? NaN)),
              largestDifference: difference,
            },
          }),
    };
  });
}

function total(time: EvaluationTime | undefined): number {
  return (time?.readMs ?? NaN) + (time?.evaluateMs ?? NaN);
}

function evaluateHere(annotations: string, results: string): EvaluationTime & { stats: CocoStats } {
  const started = performance.now();
  const groundTruth = readAnnotations(annotations);
  const detections = readDetections(results);
  const read = performance.now();
  const { stats } = evaluateCoco(groundTruth, detections);
  return { readMs: read - started, evaluateMs: performance.now() - read, stats };
}
