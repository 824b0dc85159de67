import { SingleBar } from 'cli-progress';
import type { TrainingEvents } from '../train/train';
import { formatDuration } from '../format-duration';
import type { PlannedRun } from './plan';
import { type LockOwner, ownerInWords } from './run-lock';
import type { RunPlace } from './run-study';

/** Least time between two lines within an epoch when nobody watches a bar, in milliseconds. */
const lineInterval = 30_000;
/** At most this many runs are named that other processes train. */
const shownWaits = 4;

/** Shows a study's training on standard error: a bar on a terminal, else a line an epoch and every half minute. */
export interface StudyProgress {
  run(run: PlannedRun, place: RunPlace): TrainingEvents;
  /** Ends the bar, so that other text can follow. */
  stop(): void;
}

export interface StudyProgressOptions {
  /** Seconds that a run will still take. */
  readonly secondsOf: (run: PlannedRun) => number;
  /** Hears of each whole epoch's measured time. */
  readonly onEpochSeconds: (run: PlannedRun, seconds: number) => void;
  readonly stream?: NodeJS.WriteStream;
}

/** `resnet20:resnet8 kd++ seed 1`, as messages name a run. */
export function runTitle({ pair, method, seed }: PlannedRun): string {
  return method === 'teacher' ? `teacher ${pair}` : `${pair} ${method} seed ${seed}`;
}

/** What a process waits for that has nothing left to do itself. */
export function waitInWords(
  waiting: readonly { run: PlannedRun; owner: LockOwner | undefined }[],
): string {
  const trained = waiting.flatMap(({ run, owner }) =>
    owner ? [`${runTitle(run)} (${ownerInWords(owner)})`] : [],
  );
  const shown = trained.slice(0, shownWaits).join(', ');
  const more = trained.length > shownWaits ? ` and ${trained.length - shownWaits} more` : '';
  const later = waiting.length - trained.length;
  const after = later > 0 ? `; ${later} more can only start after that` : '';
  return `Waiting for what other processes train: ${shown || 'a run that has just begun'}${more}${after}`;
}

export function studyProgress({
  secondsOf,
  onEpochSeconds,
  stream = process.stderr,
}: StudyProgressOptions): StudyProgress {
  let bar: SingleBar | undefined;
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    stop,
    run(run, { index, total, others }) {
      const secondsAfter = (): number => others.reduce((sum, other) => sum + secondsOf(other), 0);
      const title = `[${index + 1}/${total}] ${runTitle(run)}`;
      const meter = speedMeter();
      let shown = '';
      let printedAt = performance.now();
      return {
        onNotice(message) {
          stop();
          stream.write(`${title}: ${message}\n`);
        },
        onBatch(state) {
          const { epoch, epochs, batch, batches, loss, images } = state;
          meter.add(images);
          const done = (epoch - 1) * batches + batch;
          const left = meter.secondsFor((epochs * batches - done) * run.recipe.batchSize);
          shown = `${meter.imagesPerSecond().toFixed(0)} images/s, ${formatDuration(left)} left (all: ${formatDuration(left + secondsAfter())})`;
          const text = `epoch ${epoch}/${epochs}, loss ${loss.toFixed(3)}, ${shown}`;
          if (!stream.isTTY) {
            if (performance.now() - printedAt < lineInterval) return;
            printedAt = performance.now();
            stream.write(`${title}: ${text}\n`);
            return;
          }
          if (bar === undefined) {
            bar = new SingleBar({ stream, format: `${title} {bar} {text}`, hideCursor: true });
            bar.start(epochs * batches, done, { text });
          } else bar.update(done, { text });
        },
        onEpoch({ epoch, losses, testTop1 }, seconds) {
          if (Number.isFinite(seconds)) onEpochSeconds(run, seconds);
          if (epoch === run.recipe.epochs) stop();
          if (stream.isTTY && epoch < run.recipe.epochs) return;
          const loss = (losses.total ?? NaN).toFixed(3);
          stream.write(
            `${title}: epoch ${epoch}/${run.recipe.epochs}, loss ${loss}, top-1 ${testTop1.toFixed(2)} %, ${shown}\n`,
          );
        },
      };
    },
  };
}

/** Images a second since the first batch, which itself is warm-up and does not count. */
function speedMeter(): {
  add(images: number): void;
  imagesPerSecond(): number;
  secondsFor(images: number): number;
} {
  let since = 0;
  let seen = 0;
  const speed = (): number => (seen === 0 ? NaN : (1000 * seen) / (performance.now() - since));
  return {
    add(images) {
      if (since === 0) since = performance.now();
      else seen += images;
    },
    imagesPerSecond: speed,
    secondsFor: (images) => images / speed(),
  };
}
