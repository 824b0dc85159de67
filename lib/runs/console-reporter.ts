import { SingleBar } from 'cli-progress';
import { formatDuration } from '../format-duration';
import type { WaitedRun } from './claim';
import { type CostModel, secondsLeftOf } from './cost';
import { ownerInWords } from './lock';
import type { PlannedRun, RunRecipe } from './plan';
import type { RunPosition, StudyEvents } from './run-study';
import type { RunEvents, Task, TaskKind } from './task';

/** Least time between two lines when nobody watches a bar, in milliseconds. */
const lineInterval = 30_000;
/** At most this many runs are named that other processes train. */
const shownWaits = 4;

interface ReporterOptions<Kind extends TaskKind> {
  readonly task: Pick<Task<Kind>, 'store' | 'summary'>;
  readonly cost: CostModel<Kind['recipe']>;
  readonly stream?: NodeJS.WriteStream;
}

/** `resnet20:resnet8 kd++ seed 1`, as messages name a run. */
export function runTitle<Recipe extends RunRecipe>({
  kind,
  pair,
  method,
  seed,
}: Pick<PlannedRun<Recipe>, 'kind' | 'pair' | 'method' | 'seed'>): string {
  return kind === 'teacher' ? `teacher ${pair}` : `${pair} ${method} seed ${seed}`;
}

/**
 * Tells on standard error how a study goes: a bar on a terminal, else a line an epoch and every half
 * minute, with the time left; what was done before or elsewhere; and each teacher.
 */
export class ConsoleReporter<Kind extends TaskKind> {
  /** To be given to a study; they may be taken out of it one by one. */
  readonly events: Required<StudyEvents<Kind>> = {
    onRun: (run, position) => this.#runEvents(run, position),
    onRunEnd: (run, outcome) => {
      if (outcome === 'finished before') this.say(`${runTitle(run)}: done before`);
      if (outcome === 'finished elsewhere') this.say(`${runTitle(run)}: done by another process`);
    },
    onTeacher: ({ name, top1, source }) =>
      this.say(
        top1 === undefined
          ? `teacher ${name}: ${source}`
          : `teacher ${name}: ${top1.toFixed(2)} % top-1, measured here (${source})`,
      ),
    onClassMeans: (teacher, done, total) => {
      this.#show(`class means of ${teacher}`, `${done} of ${total}`, done, total);
      if (done === total) this.stop();
    },
    onWait: (waiting) => this.say(waitInWords(waiting)),
  };

  readonly #task: Pick<Task<Kind>, 'store' | 'summary'>;
  readonly #cost: CostModel<Kind['recipe']>;
  readonly #stream: NodeJS.WriteStream;
  #bar: SingleBar | undefined;
  #printedAt = performance.now();

  constructor({ task, cost, stream = process.stderr }: ReporterOptions<Kind>) {
    this.#task = task;
    this.#cost = cost;
    this.#stream = stream;
  }

  /** Ends the bar, so that other text can follow. */
  stop(): void {
    this.#bar?.stop();
    this.#bar = undefined;
  }

  say(text: string): void {
    this.stop();
    this.#stream.write(`${text}\n`);
  }

  #runEvents(
    run: PlannedRun<Kind['recipe']>,
    { index, total, others }: RunPosition<Kind['recipe']>,
  ): RunEvents<Kind> {
    const { unit, doneAt } = this.#task.store;
    const title = `[${index + 1}/${total}] ${runTitle(run)}`;
    const pace = stepPace();
    let { done } = run;
    let shown = '';
    this.#printedAt = performance.now();
    return {
      onNotice: (message) => this.say(`${title}: ${message}`),
      onBatch: ({ epoch, epochs, step, steps, loss, images }) => {
        pace.step();
        const left = (steps - step) * pace.seconds();
        const all = left + secondsLeftOf(others, this.#cost);
        const speed = `${(images / pace.seconds()).toFixed(images < 10 ? 1 : 0)} images/s`;
        shown = `${speed}, ${formatDuration(left)} left (all: ${formatDuration(all)})`;
        const where = unit === 'epoch' ? `${epoch}/${epochs}` : `${step}/${steps}`;
        this.#show(title, `${unit} ${where}, loss ${loss.toFixed(3)}, ${shown}`, step, steps);
      },
      onEpoch: (line, seconds) => {
        const before = done;
        done = doneAt(line);
        // After a kill the lines on disk may be ahead of the checkpoint: those are made again.
        if (Number.isFinite(seconds) && done > before) {
          this.#cost.measured(run, seconds / (done - before));
        }
        const last = done === run.length;
        if (last) this.stop();
        if (!last && (this.#stream.isTTY || unit === 'iteration')) return;
        const summary = `${unit} ${done}/${run.length}, ${this.#task.summary(line)}, ${shown}`;
        this.#stream.write(`${title}: ${summary}\n`);
      },
      onImages: (images, of) => {
        this.#show(title, `evaluating, ${images} of ${of} images`, images, of);
        if (images === of) this.stop();
      },
    };
  }

  /** Moves the bar, or writes a line where the last one is half a minute old. */
  #show(title: string, text: string, done: number, of: number): void {
    if (!this.#stream.isTTY) {
      if (performance.now() - this.#printedAt < lineInterval) return;
      this.#printedAt = performance.now();
      this.#stream.write(`${title}: ${text}\n`);
    } else if (this.#bar === undefined) {
      const format = `${title} {bar} {text}`;
      this.#bar = new SingleBar({ stream: this.#stream, format, hideCursor: true });
      this.#bar.start(of, done, { text });
    } else this.#bar.update(done, { text });
  }
}

/** What a process waits for that has nothing left to do itself. */
function waitInWords<Recipe extends RunRecipe>(
  waiting: readonly WaitedRun<PlannedRun<Recipe>>[],
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

/** Seconds of a step since the first one, which itself is warm-up and does not count. */
function stepPace(): { step(): void; seconds(): number } {
  let since: number | undefined;
  let steps = 0;
  return {
    step() {
      if (since === undefined) since = performance.now();
      else steps++;
    },
    seconds: () => (steps === 0 ? NaN : (performance.now() - (since ?? NaN)) / (1000 * steps)),
  };
}

/** How far a grid is that several processes work on: runs, and their epochs or iterations. */
interface GridState {
  readonly runs: number;
  readonly runsDone: number;
  readonly units: number;
  readonly unitsDone: number;
}

/** Counts what is on disk. */
export function gridState(
  runs: readonly Pick<PlannedRun<RunRecipe>, 'finished' | 'length' | 'done'>[],
): GridState {
  const sum = (of: (run: (typeof runs)[number]) => number): number =>
    runs.reduce((total, run) => total + of(run), 0);
  return {
    runs: runs.length,
    runsDone: sum(({ finished }) => Number(finished)),
    units: sum(({ length }) => length),
    unitsDone: sum(({ done }) => done),
  };
}

/** `3/21 runs, 37/126 epochs, about 42 s left`, by the pace since `start`. */
export function gridInWords(
  start: GridState,
  now: GridState,
  seconds: number,
  unit: 'epoch' | 'iteration',
): string {
  const pace = (now.unitsDone - start.unitsDone) / seconds;
  const left = pace > 0 ? `, about ${formatDuration((now.units - now.unitsDone) / pace)} left` : '';
  return `${now.runsDone}/${now.runs} runs, ${now.unitsDone}/${now.units} ${unit}s${left}`;
}
