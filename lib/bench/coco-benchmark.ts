import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from 'simple-statistics';
import { z } from 'zod';
import { evaluateCoco } from '../coco/evaluate';
import { madeUpDetections, type MadeUpOptions, madeUpVal2017 } from '../coco/made-up';
import { readAnnotations } from '../coco/read-annotations';
import { readDetections, writeDetections } from '../coco/results-form';
import { type CocoStats, cocoStatNames } from '../coco/summary';
import { writeAnnotations } from '../coco/write-annotations';
import { lastLines, runProgram } from '../engine/build-program';
import { LabError } from '../errors';
import { packageRoot } from '../results/environment';
import type { OnBenchProgress } from './measure';

export interface CocoBenchmarkOptions {
  readonly rounds: number;
  /** A Python that has pycocotools; only our own time is taken without one. */
  readonly python?: string;
  /** val2017's measures unless given. */
  readonly size?: MadeUpOptions;
  readonly onProgress?: OnBenchProgress;
}

/** Milliseconds of reading both files and of evaluating. */
export interface EvaluationTime {
  readonly readMs: number;
  readonly evaluateMs: number;
}

export interface CocoRound extends EvaluationTime {
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

const replySchema = z.object({
  version: z.string(),
  readMs: z.number(),
  evaluateMs: z.number(),
  stats: z.array(z.number()).length(cocoStatNames.length),
});

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
  const folder = mkdtempSync(join(tmpdir(), 'norm-direction-lab-coco-'));
  const annotations = join(folder, 'instances.json');
  const results = join(folder, 'detections.json');
  try {
    onProgress?.('making up objects and detections', 0, 1);
    const madeUp = madeUpDetections(size);
    writeAnnotations(annotations, madeUp.groundTruth);
    writeDetections(results, madeUp.detections);
    const measured: CocoRound[] = [];
    let version = '';
    let largestDifference = 0;
    for (let round = 0; round < rounds; round++) {
      onProgress?.('evaluation', round, rounds);
      const { stats, ...ours } = evaluateHere(annotations, results);
      if (python === undefined) {
        measured.push(ours);
        continue;
      }
      const theirs = await evaluateInPython(python, annotations, results);
      ({ version } = theirs);
      const differences = cocoStatNames.map((name, index) =>
        Math.abs(stats[name] - (theirs.stats[index] ?? NaN)),
      );
      largestDifference = Math.max(largestDifference, ...differences);
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
              largestDifference,
            },
          }),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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

async function evaluateInPython(
  python: string,
  annotations: string,
  results: string,
): Promise<z.infer<typeof replySchema>> {
  const script = join(packageRoot(), 'lib', 'bench', 'pycocotools_eval.py');
  const { stdout, stderr } = await runProgram(python, [script, annotations, results]);
  const answer = replySchema.safeParse(jsonOf(stdout));
  if (answer.success) return answer.data;
  throw new LabError({
    kind: 'option',
    what: 'pycocotools could not be run',
    where: `--python ${python}`,
    found: lastLines(`${stderr}\n${stdout}`, 2) || 'no answer',
    remedy: `Give a Python that has it (${python} -m pip install pycocotools), or leave --python out`,
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
