import { SingleBar } from 'cli-progress';
import { formatDuration } from '../../format-duration';
import type { PlannedDetection } from './plan';
import type { DetectionPlace, DetectionRunEvents } from './run-study';

/** Least time between two lines when nobody watches a bar, in milliseconds. */
const lineInterval = 30_000;
/** Weight of the last iteration in the running means. */
const newest = 0.05;

/** Shows the training of detectors on standard error: a bar on a terminal, else a line every half minute. */
export interface DetectionProgressView {
  run(run: PlannedDetection, place: DetectionPlace): DetectionRunEvents;
  /** Ends the bar, so that other text can follow. */
  stop(): void;
}

/** `r34-small:r18-small kd++ seed 1`, as messages name a run. */
export function detectionTitle({ pair, method, seed, kind }: PlannedDetection): string {
  return kind === 'teacher' ? `teacher ${pair}` : `${pair} ${method} seed ${seed}`;
}

/**
 * @param secondsOf what a run should still take
 * @param onSeconds hears of each iteration's measured time
 */
export function detectionProgress({
  secondsOf,
  onSeconds,
  stream = process.stderr,
}: {
  readonly secondsOf: (run: PlannedDetection) => number;
  readonly onSeconds: (run: PlannedDetection, seconds: number) => void;
  readonly stream?: NodeJS.WriteStream;
}): DetectionProgressView {
  let bar: SingleBar | undefined;
  const stop = (): void => {
    bar?.stop();
    bar = undefined;
  };
  return {
    stop,
    run(run, { index, total, others }) {
      const title = `[${index + 1}/${total}] ${detectionTitle(run)}`;
      let loss: number | undefined;
      let pace: number | undefined;
      let printedAt = performance.now();
      const show = (done: number, of: number, text: string, last: boolean): void => {
        if (!stream.isTTY) {
          if (!last && performance.now() - printedAt < lineInterval) return;
          printedAt = performance.now();
          stream.write(`${title}: ${text}\n`);
        } else if (bar === undefined) {
          bar = new SingleBar({ stream, format: `${title} {bar} {text}`, hideCursor: true });
          bar.start(of, done, { text });
        } else bar.update(done, { text });
        if (last) stop();
      };
      return {
        onNotice(message) {
          stop();
          stream.write(`${title}: ${message}\n`);
        },
        onBatch({ step: iteration, steps: iterations, loss: value, seconds }) {
          loss = loss === undefined ? value : loss + newest * (value - loss);
          pace = pace === undefined ? seconds : pace + newest * (seconds - pace);
          onSeconds(run, pace);
          const left = pace * (iterations - iteration);
          const all = others.reduce((sum, other) => sum + secondsOf(other), left);
          const text = `iteration ${iteration}/${iterations}, loss ${loss.toFixed(3)}, ${formatDuration(left)} left (all: ${formatDuration(all)})`;
          show(iteration, iterations, text, iteration === iterations);
        },
        onImages(done, of) {
          show(done, of, `evaluating, ${done} of ${of} images`, done === of);
        },
      };
    },
  };
}
