import { SingleBar } from 'cli-progress';
import type { TextStream } from '../engine/progress';
import type { OnBenchProgress } from './step';

/** Shows a benchmark's progress until `stop` is called. */
export interface BenchProgress {
  readonly report: OnBenchProgress;
  readonly stop: () => void;
}

/** Least time between two plain lines about the same thing, in milliseconds. */
const lineInterval = 5000;

/** Progress on standard error: a bar on a terminal, else a plain line every few seconds. */
export function benchProgress(stream: TextStream = process.stderr): BenchProgress {
  return stream.isTTY === true ? barOn(stream) : linesOn(stream);
}

function linesOn(stream: TextStream): BenchProgress {
  let shown = '';
  let startedAt = 0;
  let printedAt = 0;
  return {
    report(what, done, total) {
      const now = performance.now();
      const isNew = what !== shown;
      if (isNew) startedAt = now;
      shown = what;
      // What has just begun may take long before it says anything again.
      const begins = isNew && done === 0;
      if (!begins && now - printedAt < lineInterval) return;
      printedAt = now;
      const left = done === 0 ? '' : secondsLeft(now - startedAt, done, total);
      stream.write(`bench: ${what}, ${done} of ${total} done${left}\n`);
    },
    stop: () => undefined,
  };
}

function secondsLeft(elapsed: number, done: number, total: number): string {
  return elapsed === 0 ? '' : `, ${Math.ceil((elapsed / 1000) * (total / done - 1))} s left`;
}

function barOn(stream: TextStream): BenchProgress {
  const bar = new SingleBar({
    stream,
    format: '{bar} {what} {value}/{total}, {eta_formatted} left',
    hideCursor: true,
    clearOnComplete: true,
  });
  let shown = '';
  return {
    report(what, done, total) {
      if (what !== shown) bar.start(total, done, { what });
      else bar.update(done);
      shown = what;
    },
    stop: () => bar.stop(),
  };
}
