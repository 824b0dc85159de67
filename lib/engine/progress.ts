import { SingleBar } from 'cli-progress';

/** Standard error, or what stands in for it. */
export type TextStream = NodeJS.WritableStream & { readonly isTTY?: boolean | undefined };

/** What a piece of work is doing; `done` of `total` where they are known. */
export interface StepProgress {
  readonly message: string;
  readonly done?: number;
  readonly total?: number;
}

type OnStepProgress = (progress: StepProgress) => void;

/** How progress is told. */
interface StepForm {
  /** What every line begins with: `engine`. */
  readonly name: string;
  /** What stands between a bar and its time left: `{value}/{total} MB`. */
  readonly amount: string;
  /** What a bar counts in; 1 by default. */
  readonly unit?: number;
  /** What a plain line adds to its message, so many milliseconds after the step began. */
  readonly inWords: (progress: StepProgress, elapsed: number) => string;
}

/** Least time between two plain lines of one step when standard error is not a terminal, in milliseconds. */
const lineInterval = 5000;

/**
 * Progress on standard error: a bar with the time left on a terminal, else a plain line for each
 * new step and every few seconds within one.
 */
export function stepPrinter(form: StepForm, stream: TextStream): OnStepProgress {
  return stream.isTTY === true ? barPrinter(form, stream) : linePrinter(form, stream);
}

function linePrinter({ name, inWords }: StepForm, stream: TextStream): OnStepProgress {
  let message = '';
  let printedAt = 0;
  let stepStartedAt = 0;
  return (progress) => {
    const now = Date.now();
    const isNewStep = progress.message !== message;
    if (!isNewStep && now - printedAt < lineInterval) return;
    if (isNewStep) stepStartedAt = now;
    ({ message } = progress);
    printedAt = now;
    stream.write(`${name}: ${message}${inWords(progress, now - stepStartedAt)}\n`);
  };
}

function barPrinter({ name, amount, unit = 1 }: StepForm, stream: TextStream): OnStepProgress {
  let bar: SingleBar | undefined;
  let message = '';
  return ({ message: next, done, total }) => {
    if (next !== message) {
      bar?.stop();
      bar = undefined;
      message = next;
      if (done === undefined || total === undefined) {
        stream.write(`${name}: ${next}\n`);
        return;
      }
      const format = `${name}: ${next} {bar} ${amount}, {eta_formatted} left`;
      bar = new SingleBar({ stream, format, hideCursor: true });
      bar.start(Math.round(total / unit), Math.round(done / unit));
    }
    if (done !== undefined) bar?.update(Math.round(done / unit));
  };
}
