import type { JobPlan } from '../../lib/study/graphics-jobs';
import { gridInWords, gridState } from '../../lib/study/grid-progress';
import type { PlannedRun } from '../../lib/study/plan';
import { runWorkers } from '../../lib/study/workers';
import { interruption } from '../../lib/train/interruption';

/** Time between two lines about the whole, in milliseconds. */
const lineInterval = 15_000;

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Trains the grid in several processes and tells how far all of them are. */
export async function trainInJobs(
  { jobs, gpus }: JobPlan,
  plan: () => PlannedRun[],
): Promise<void> {
  const start = gridState(plan());
  const startedAt = performance.now();
  const where = gpus.length > 0 ? ` on GPU ${gpus.join(', ')}` : '';
  say(`${start.runs} runs, ${start.runsDone} of them done; ${jobs} jobs${where}. Ctrl-C saves.`);
  let shown = start.epochsDone;
  const timer = setInterval(() => {
    const now = gridState(plan());
    if (now.epochsDone === shown) return;
    shown = now.epochsDone;
    say(`[all] ${gridInWords(start, now, (performance.now() - startedAt) / 1000)}`);
  }, lineInterval);
  const { signal, release } = interruption(() => {
    say('Stopping: the jobs save their runs first (Ctrl-C again stops at once) …');
  });
  try {
    await runWorkers({
      count: jobs,
      gpus,
      signal,
      onLine: (worker, line) => say(`[job ${worker}] ${line}`),
    });
  } finally {
    clearInterval(timer);
    release();
  }
}
