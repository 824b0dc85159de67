import { needs } from '../../distill/terms';
import type { EngineDescription } from '../../engine/describe';
import type { Scale } from '../../results/schema';
import type { BatchState } from '../../train/train';
import { takeRuns, type TakenRun, type WaitedRun } from '../../study/take-runs';
import { executeDetection } from './execute';
import type { FirstWeights } from './first-weights';
import type { PlannedDetection } from './plan';
import { isDetectionFinished } from './store';
import { type DetectionShelf, detectionShelf, type DetectionShelfOptions } from './teacher-shelf';

/** Where a run stands among those asked for. */
export interface DetectionPlace {
  readonly index: number;
  readonly total: number;
  /** What is still to be done besides it. */
  readonly others: readonly PlannedDetection[];
}

/** What a run tells while it is made. */
export interface DetectionRunEvents {
  readonly onBatch?: (state: BatchState) => void;
  readonly onImages?: (done: number, total: number) => void;
  readonly onNotice?: (message: string) => void;
}

export type DetectionOutcome = 'finished before' | 'finished elsewhere' | 'trained';

export interface DetectionStudyOptions extends DetectionShelfOptions {
  readonly scale: Scale;
  readonly runs: readonly PlannedDetection[];
  /** Of each detector that begins with a published backbone; random otherwise. */
  readonly firstWeights: ReadonlyMap<string, FirstWeights>;
  readonly engine: EngineDescription;
  readonly command: string;
  readonly onRun?: (run: PlannedDetection, place: DetectionPlace) => DetectionRunEvents;
  readonly onRunEnd?: (run: PlannedDetection, outcome: DetectionOutcome) => void;
  readonly onWait?: (runs: readonly WaitedRun<PlannedDetection>[]) => void;
}

/**
 * Makes all runs of a table of detectors; finished ones are passed over and unfinished ones go on where
 * they stopped. Other processes may do the same at the same time: see `takeRuns`.
 *
 * @throws LabError as `executeDetection` and `detectionShelf` do; what was finished stays on disk.
 */
export async function runDetectionStudy(options: DetectionStudyOptions): Promise<void> {
  const { runs, signal, onWait } = options;
  const teachers = detectionShelf(options);
  try {
    await takeRuns({ runs, isFinished: isDetectionFinished, onWait, signal }, (taken) =>
      runOne(taken, teachers, options),
    );
  } finally {
    teachers.dispose();
  }
}

async function runOne(
  { run, lock, others }: TakenRun<PlannedDetection>,
  teachers: DetectionShelf,
  options: DetectionStudyOptions,
): Promise<void> {
  const { study, scale, data, runs, command, engine, signal } = options;
  const teacher =
    run.teacher === null
      ? undefined
      : await teachers.get(run.teacher, { classMeans: needsMeans(run) });
  const firstWeights = options.firstWeights.get(run.student);
  const place = { index: runs.indexOf(run), total: runs.length, others };
  const outcome = await executeDetection({
    ...options.onRun?.(run, place),
    study,
    scale,
    run,
    data,
    ...(teacher ? { teacher } : {}),
    ...(firstWeights ? { firstWeights } : {}),
    command,
    engine,
    ...(signal ? { signal } : {}),
    ...(lock ? { assertHeld: lock.assertHeld } : {}),
  });
  const elsewhere = outcome === 'finished before' && !run.finished;
  options.onRunEnd?.(run, elsewhere ? 'finished elsewhere' : outcome);
}

function needsMeans({ recipe: { method } }: PlannedDetection): boolean {
  // ReviewKD on a pyramid is no term of classification, and needs none.
  const terms = method.terms.filter(({ loss }) => loss !== 'reviewPyramid');
  return needs({ ...method, terms }, 'class means');
}
