import { SingleBar } from 'cli-progress';

/** What the building of the engine is doing; `done` and `total` are bytes where they are known. */
export interface EngineProgress {
  readonly phase: 'wait' | 'download' | 'unpack' | 'compile' | 'done';
  readonly message: string;
  readonly done?: number;
  readonly total?: number;
}

/** Standard error, or what stands in for it. */
export type TextStream = NodeJS.WritableStream & { readonly isTTY?: boolean | undefined };

export type OnEngineProgress = (progress: EngineProgress) => void;

/** Least time between two plain lines when standard error is not a terminal, in milliseconds. */
const lineInterval = 5000;
const megabyte = 1e6;

/**
 * Progress on standard error: a bar with the time left on a terminal, else a plain line for each
 * new step and every few seconds within one.
 */
export function engineProgressPrinter(stream: TextStream = process.stderr): OnEngineProgress {
  return stream.isTTY === true ? barPrinter(stream) : linePrinter(stream);
}

function linePrinter(stream: TextStream): OnEngineProgress {
  let message = '';
  let printedAt = 0;
  let stepStartedAt = 0;
  return (progress) => {
    const now = Date.now();
    const isNewStep = progress.message !== message;
    if (!isNewStep && now - printedAt < lineInterval) return;
    if (isNewStep) stepStartedAt = now;
    message = progress.message;
    printedAt = now;
    stream.write(`engine: ${message}${describeBytes(progress, now - stepStartedAt)}\n`);
  };
}

function describeBytes({ done, total }: EngineProgress, elapsed: number): string {
  // Before the first hundredth any guess of the time left is wild.
  if (done === undefined || total === undefined || done < total / 100) return '';
  const left = Math.max(0, Math.round((elapsed / 1000) * (total / done - 1)));
  const amount = `${(done / megabyte).toFixed(0)} of ${(total / megabyte).toFixed(0)} MB`;
  return `: ${amount}${done < total ? `, ${String(left)} s left` : ', checking it'}`;
}

function barPrinter(stream: TextStream): OnEngineProgress {
  let bar: SingleBar | undefined;
  let message = '';
  return ({ message: next, done, total }) => {
    if (next !== message) {
      bar?.stop();
      bar = undefined;
      message = next;
      if (done === undefined || total === undefined) {
        stream.write(`engine: ${next}\n`);
        return;
      }
      bar = new SingleBar({
        stream,
        format: `engine: ${next} {bar} {value}/{total} MB, {eta_formatted} left`,
        hideCursor: true,
      });
      bar.start(Math.round(total / megabyte), 0);
    }
    if (done !== undefined) bar?.update(Math.round(done / megabyte));
  };
}
