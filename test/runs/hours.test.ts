import { setTimeout } from 'node:timers/promises';
import { expect } from 'chai';
import { interruptedError } from '../../lib/errors';
import { gridOf, pairName, parsePairs } from '../../lib/runs/grid';
import { inOrderOfWorth, pickInWords, pickRuns, untilTime } from '../../lib/runs/hours';
import { type PlannedRun, planRuns } from '../../lib/runs/plan';
import { classifierRuns } from '../../lib/runs/store';
import { interruption } from '../../lib/train/interruption';
import { recipeWith } from '../support/known-run';

describe('a grid in the hours there are', () => {
  it('runs what tells most first: KD, its ND, the student alone, then the others, pair by pair; then more seeds', () => {
    const pairs = parsePairs('resnet56:resnet20,wrn_40_2:wrn_40_1');
    const rows = ['student', 'fitnet', 'kd', 'kd++', 'dkd', 'dkd++', 'dist', 'dist++'];
    const order = inOrderOfWorth(gridOf(pairs, rows, [1, 2]));
    const sorted = 'kd kd++ student dkd++ dkd dist++ dist fitnet'.split(' ');
    expect(
      order.map(({ seed, method, ...pair }) => `${seed} ${pairName(pair)} ${method}`),
    ).to.deep.equal(
      [1, 2].flatMap((seed) =>
        pairs.flatMap((pair) => sorted.map((row) => `${seed} ${pairName(pair)} ${row}`)),
      ),
    );
  });

  /** A teacher of 100 s and its students; a name with ! is finished. */
  const seconds: Readonly<Record<string, number>> = {
    teacher: 100,
    kd: 60,
    'kd++': 60,
    student: 40,
    'dkd++': 60,
  };
  const plan = (finished: string, alone: boolean): PlannedRun[] =>
    planRuns({
      ...{ store: classifierRuns, study: 'none', resultsRoot: 'nowhere', teacherSeed: 0 },
      cells: gridOf(parsePairs('resnet20:resnet8'), ['kd', 'kd++', 'student', 'dkd++'], [1]),
      ...{ recipeOf: () => recipeWith(), teacherRecipeOf: () => recipeWith() },
      ...{ givenTeachers: new Set<string>(), baselinesHaveTeachers: !alone },
    }).map((run) => ({ ...run, finished: finished.split(' ').includes(run.method) }));

  const cases: [number, number, string, string, number, boolean?][] = [
    // Teacher to 100, KD to 160; KD++ would end at 220, the student ends at 200.
    [200, 1, '', 'teacher kd student', 200],
    // Side by side from 100 on: KD and KD++ to 160, the student to 200, DKD++ would end at 220.
    [200, 2, '', 'teacher kd kd++ student', 200],
    [220, 2, '', 'teacher kd kd++ student dkd++', 220],
    // A third job has nothing to do until the teacher is done: 100 + 60.
    [160, 3, '', 'teacher kd kd++ student', 160],
    [120, 1, 'teacher', 'teacher kd kd++', 120],
    [160, 1, 'teacher kd', 'teacher kd kd++ student dkd++', 160],
    // Nothing of the whole fits: the teacher is begun, and no student before it.
    [99, 2, '', 'teacher', 0],
    // A student that wants no teacher does not wait for one.
    [50, 1, '', 'student', 40, true],
  ];
  for (const [time, jobs, finished, wanted, end, alone = false] of cases) {
    it(`takes ${wanted} in ${time} s and ${jobs} jobs${finished && ` after ${finished}`}`, () => {
      const left = (run: PlannedRun): number => (run.finished ? 0 : (seconds[run.method] ?? NaN));
      const picked = pickRuns(plan(finished, alone), left, { seconds: time, jobs });
      expect(picked.runs.map(({ method }) => method).join(' ')).to.equal(wanted);
      expect(picked.seconds).to.equal(end);
      expect(picked.left.length + picked.runs.length).to.equal(5);
    });
  }

  for (const pressed of [false, true]) {
    it(`are over ${pressed ? 'without a second Ctrl-C where the user has pressed it' : 'with what Ctrl-C does'}`, async () => {
      const { exit } = process;
      const exits: unknown[] = [];
      const { signal, release } = interruption(() => undefined);
      const work = async (): Promise<void> => {
        if (pressed) process.emit('SIGINT');
        // More than the half second within which two are one.
        await setTimeout(900);
        if (signal.aborted) throw interruptedError`stopped. Go on`;
      };
      try {
        process.exit = ((code) => void exits.push(code)) as typeof exit;
        const outcome = await untilTime(Date.now() + 700, work).catch(String);
        expect(outcome).to.equal(pressed ? 'LabError: stopped. Go on' : false);
      } finally {
        process.exit = exit;
        release();
      }
      expect(exits).to.deep.equal([]);
    });
  }

  it('are not over where they are more than a timer counts', async () => {
    const { setTimeout: own } = globalThis;
    const longest = 2 ** 31 - 1;
    const soon = (work: () => void, wait: number): unknown =>
      own(work, wait === longest ? 1 : wait);
    try {
      Object.assign(globalThis, { setTimeout: soon });
      const heard: string[] = [];
      const hear = (): void => void heard.push('SIGINT');
      process.on('SIGINT', hear);
      const work = (): Promise<void> => new Promise((resolve) => own(resolve, 50));
      expect(await untilTime(Date.now() + 3 * longest, work)).to.equal(true);
      process.off('SIGINT', hear);
      expect(heard).to.deep.equal([]);
    } finally {
      Object.assign(globalThis, { setTimeout: own });
    }
  });

  it('says what was picked, and how much is left out', () => {
    const picked = pickRuns(plan('', false), ({ method }) => seconds[method] ?? NaN, {
      seconds: 200,
      jobs: 1,
    });
    expect(pickInWords(0.1, picked)).to.equal(
      'In 0.1 h: teacher resnet20, resnet20:resnet8 kd seed 1, resnet20:resnet8 student seed 1 (about 3 min 20 s); 2 are left out. Whatever runs then is saved.',
    );
  });

  it('says that all is done where nothing is left', () => {
    const done = plan('teacher kd kd++ student dkd++', false);
    const picked = pickRuns(done, () => 0, { seconds: 200, jobs: 1 });
    expect(pickInWords(0.1, picked)).to.equal('All 5 runs are done; there is nothing to run.');
  });
});
