import { SingleBar } from 'cli-progress';
import type { TextStream } from '../../engine/build-progress';
import type { OnSetUpProgress } from './pip';

/** Least time between two plain lines of one step when standard error is not a terminal, in milliseconds. */
const lineInterval = 5000;

/**
 * Tells on standard error how a set-up goes on: a bar with the time left on a terminal, else a plain
 * line for each new step and every few seconds within one.
 */
export function setUpPrinter(stream: TextStream = process.stderr): OnSetUpProgress {
  return stream.isTTY === true ? barPrinter(stream) : linePrinter(stream);
}

function linePrinter(stream: TextStream): OnSetUpProgress {
  let step = '';
  let printedAt = 0;
  return ({ message, done, total }) => {
    const now = Date.now();
    if (message === step && now - printedAt < lineInterval) return;
    step = message;
    printedAt = now;
    const amount = done === undefined ? '' : `: ${String(done)} of ${String(total)}`;
    stream.write(`lab: ${message}${amount}\n`);
  };
}

function barPrinter(stream: TextStream): OnSetUpProgress {
  let bar: SingleBar | undefined;
  let step = '';
  return ({ message, done, total }) => {
    if (message !== step) {
      bar?.stop();
      bar = undefined;
      step = message;
      if (done === undefined || total === undefined) {
        stream.write(`lab: ${message}\n`);
        return;
      }
      const format = `lab: ${message} {bar} {value} of {total}, {eta_formatted} left`;
      bar = new SingleBar({ stream, format, hideCursor: true });
      bar.start(total, done);
    }
    if (done !== undefined) bar?.update(done);
  };
}
