import { SingleBar } from 'cli-progress';

/** How far reading or downloading data has come. */
export interface DataProgress {
  /** What is being done: `decoding train`. */
  readonly message: string;
  readonly unit: 'bytes' | 'images';
  readonly done: number;
  /** Absent when it is not known. */
  readonly total?: number;
}

export type OnDataProgress = (progress: DataProgress) => void;

/** Shows progress until `stop` is called. */
interface DataProgressPrinter {
  readonly report: OnDataProgress;
  readonly stop: () => void;
}

/** Nothing is shown before a step has taken this long, in milliseconds. */
const patience = 1000;
/** Least time between two plain lines when standard error is not a terminal, in milliseconds. */
const lineInterval = 5000;
const megabyte = 1e6;

/**
 * Progress on standard error for steps of more than a second: a bar with the time left on a
 * terminal, else a plain line every few seconds.
 */
export function dataProgressPrinter(
  stream: NodeJS.WriteStream = process.stderr,
): DataProgressPrinter {
  const show = stream.isTTY ? barOn(stream) : linesOn(stream);
  let message = '';
  let startedAt = 0;
  /** What was there before: its time is not that of this attempt. */
  let before = 0;
  return {
    report(progress) {
      if (progress.message !== message) {
        show.stop();
        ({ message, done: before } = progress);
        startedAt = Date.now();
      }
      const elapsed = Date.now() - startedAt;
      if (elapsed >= patience) show.update(progress, left(progress, before, elapsed));
    },
    stop: show.stop,
  };
}

interface Shown {
  readonly update: (progress: DataProgress, timeLeft: string) => void;
  readonly stop: () => void;
}

function linesOn(stream: NodeJS.WriteStream): Shown {
  let printedAt = 0;
  return {
    update(progress, timeLeft) {
      const now = Date.now();
      if (progress.done === progress.total || now - printedAt < lineInterval) return;
      printedAt = now;
      stream.write(`data: ${progress.message}: ${describe(progress)}${timeLeft}\n`);
    },
    stop: () => undefined,
  };
}

function barOn(stream: NodeJS.WriteStream): Shown {
  let bar: SingleBar | undefined;
  return {
    update(progress, timeLeft) {
      const text = `${describe(progress)}${timeLeft}`;
      if (bar === undefined) {
        bar = new SingleBar({
          stream,
          format: `data: ${progress.message} {bar} {text}`,
          hideCursor: true,
          clearOnComplete: false,
        });
        bar.start(progress.total ?? 0, progress.done, { text });
      } else {
        bar.update(progress.done, { text });
      }
    },
    stop() {
      bar?.stop();
      bar = undefined;
    },
  };
}

function describe({ unit, done, total }: DataProgress): string {
  const amount = (value: number): string =>
    unit === 'bytes' ? (value / megabyte).toFixed(1) : String(value);
  const of = total === undefined ? '' : ` of ${amount(total)}`;
  return `${amount(done)}${of} ${unit === 'bytes' ? 'MB' : 'images'}`;
}

function left({ done, total }: DataProgress, before: number, elapsed: number): string {
  if (total === undefined || done <= before) return '';
  const seconds = ((elapsed / 1000) * (total - done)) / (done - before);
  return `, ${Math.max(0, Math.round(seconds))} s left`;
}
