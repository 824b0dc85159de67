import { studyProgress, runTitle, waitInWords } from './progress';
import type { CostModel } from './cost';
import type { StudyEvents } from './run-study';

/** What a study tells on standard error while it trains. */
export interface SpokenEvents extends Required<
  Pick<StudyEvents, 'onRun' | 'onRunEnd' | 'onTeacher' | 'onWait'>
> {
  /** Ends the bar, so that other text can follow. */
  readonly stop: () => void;
}

/** A study's progress with time left, what was done before or elsewhere, and each teacher's accuracy. */
export function spokenEvents(cost: CostModel, say: (text: string) => void): SpokenEvents {
  const progress = studyProgress({
    secondsOf: (run) => cost.secondsLeft(run),
    onEpochSeconds: (run, seconds) => cost.measured(run, seconds),
  });
  return {
    stop: () => progress.stop(),
    onRun: (run, place) => progress.run(run, place),
    onRunEnd(run, outcome) {
      if (outcome === 'finished before') say(`${runTitle(run)}: done before`);
      if (outcome === 'finished elsewhere') say(`${runTitle(run)}: done by another process`);
    },
    onWait: (waiting) => say(waitInWords(waiting)),
    onTeacher: ({ model, top1, source }) =>
      say(`teacher ${model.name}: ${top1.toFixed(2)} % top-1, measured here (${source})`),
  };
}
