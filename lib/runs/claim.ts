import { rmSync } from 'node:fs';
import { resultsError } from '../errors';
import {
  isRunHeld,
  type LockOwner,
  ownerInWords,
  pause,
  readRunOwner,
  type RunLock,
  tryRunLock,
} from './lock';

/** What must be known of a run to decide who makes it, and when. */
interface SharedRun {
  readonly kind: 'teacher' | 'cell';
  /** Its network; for a teacher's run the teacher. */
  readonly student: string;
  /** Whose run must be finished before; null without one. */
  readonly teacher: string | null;
  /** Decides which images a step sees. */
  readonly seed: number;
  readonly directory: string;
}

/** A run that nobody else works on. */
export interface ClaimedRun<Run extends SharedRun> {
  readonly run: Run;
  /** Absent for a run that is finished. */
  readonly lock: RunLock | undefined;
  /** What is still to be done besides it. */
  readonly others: readonly Run[];
}

/** What a process waits for. */
export interface WaitedRun<Run extends SharedRun> {
  readonly run: Run;
  /** Undefined while it waits for its teacher. */
  readonly owner: LockOwner | undefined;
}

interface ClaimOptions<Run extends SharedRun> {
  readonly runs: readonly Run[];
  readonly isFinished: (directory: string) => boolean;
  /** Nothing is left to do here but to wait for what other processes train (owner known) or wait for. */
  readonly onWait?: ((runs: readonly WaitedRun<Run>[]) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Does `work` for each run, one after the other, teachers before those who learn from them. Other
 * processes may do the same at the same time: a run that one of them holds is left for later, and taken
 * over when that process ends without having finished it. Students of a teacher whose seed is at work
 * elsewhere come last: side by side each would ask the teacher what the other asks, one after the other it
 * finds the answers in the teacher's memory.
 *
 * @throws what `work` throws; LabError of kind `interrupted` when the signal comes while it waits.
 */
export async function claimRuns<Run extends SharedRun>(
  { runs, isFinished, onWait, signal }: ClaimOptions<Run>,
  work: (claimed: ClaimedRun<Run>) => Promise<void>,
): Promise<void> {
  const pending = new Set(runs);
  let waitedFor = '';
  while (pending.size > 0) {
    const next = await claimNext(pending, runs, isFinished);
    if (next) {
      try {
        await work({ ...next, others: [...pending].filter((other) => other !== next.run) });
        pending.delete(next.run);
      } finally {
        await next.lock?.release();
      }
      continue;
    }
    const elsewhere = [...pending].map((run) => ({ run, owner: readRunOwner(run.directory) }));
    const state = elsewhere.map(({ run, owner }) => `${run.directory} ${owner?.token}`).join();
    if (state !== waitedFor) onWait?.(elsewhere);
    waitedFor = state;
    await pause(signal);
  }
}

/** The first run that is finished, or that no other process holds and whose teacher is finished. */
async function claimNext<Run extends SharedRun>(
  pending: ReadonlySet<Run>,
  runs: readonly Run[],
  isFinished: (directory: string) => boolean,
): Promise<Pick<ClaimedRun<Run>, 'run' | 'lock'> | undefined> {
  const unready = new Set(
    runs
      .filter(({ kind, directory }) => kind === 'teacher' && !isFinished(directory))
      .map(({ student }) => student),
  );
  for (const run of apartFromOthers(pending, runs)) {
    if (run.teacher !== null && unready.has(run.teacher)) continue;
    if (isFinished(run.directory)) return { run, lock: undefined };
    const lock = await tryRunLock(run.directory);
    if (lock) return { run, lock };
  }
  return undefined;
}

/** In their order, but those last that see with their teacher what a run elsewhere sees. */
function apartFromOthers<Run extends SharedRun>(
  pending: ReadonlySet<Run>,
  runs: readonly Run[],
): Run[] {
  const asks = ({ teacher, seed }: Run): string | null => teacher && `${teacher} ${seed}`;
  const asked = new Set(
    runs.filter((run) => run.teacher !== null && isRunHeld(run.directory)).map(asks),
  );
  const last = (run: Run): number => Number(asked.has(asks(run)));
  return [...pending].sort((a, b) => last(a) - last(b));
}

/**
 * Deletes the directories of runs, all or none of them.
 *
 * @throws LabError of kind `results` when another process trains one of them.
 */
export async function deleteRuns(runs: readonly { readonly directory: string }[]): Promise<void> {
  const locks: RunLock[] = [];
  try {
    for (const { directory } of runs) {
      const lock = await tryRunLock(directory);
      if (lock) locks.push(lock);
      else {
        throw resultsError`another process trains a run that is to be deleted (${directory}): found ${ownerInWords(readRunOwner(directory))}. Stop that process first, or leave --no-resume out to share the work with it`;
      }
    }
    for (const { directory } of runs) rmSync(directory, { recursive: true, force: true });
  } finally {
    for (const lock of locks) await lock.release();
  }
}
