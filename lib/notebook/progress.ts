import { showLive } from './display';

/** A line under a cell that tells how far a piece of work is. */
export interface CellProgress {
  /** @param note what else to say, such as the loss */
  update(done: number, note?: string): void;
  /** The last state of the line. Without clock times in it, so that equal runs leave equal notebooks. */
  finish(note?: string): void;
}

const barWidth = 24;
/** Milliseconds between two changes of the line. */
const interval = 200;

/**
 * Shows live progress in a cell, with the time that is left. The work must pause now and then
 * (`await setImmediate()`, as training does between batches) to let anything be shown.
 *
 * @param unit of what is counted: `batches`, `epochs`
 */
export function showProgress(title: string, total: number, unit = 'steps'): CellProgress {
  const started = Date.now();
  let shownAt = 0;
  let last = 0;
  const line = (done: number, note: string, isLive: boolean): { 'text/plain': string } => {
    const filled = Math.round((barWidth * Math.min(done, total)) / Math.max(total, 1));
    const bar = '█'.repeat(filled) + '░'.repeat(barWidth - filled);
    const left =
      isLive && done > 0 ? timeLeft(((Date.now() - started) * (total - done)) / done) : '';
    const parts = [`${String(Math.floor(done))} of ${String(total)} ${unit}`, left, note];
    return { 'text/plain': `${title} ${bar} ${parts.filter((part) => part !== '').join(', ')}` };
  };
  const display = showLive(line(0, '', true));
  return {
    update: (done, note = '') => {
      last = done;
      if (Date.now() - shownAt < interval) return;
      shownAt = Date.now();
      display.update(line(done, note, true));
    },
    finish: (note = '') => {
      display.update(line(Math.max(last, total), note, false));
    },
  };
}

function timeLeft(milliseconds: number): string {
  return `${String(Math.ceil(milliseconds / 1000))} s left`;
}
