import { dirname, relative } from 'node:path';
import { dataDirectory } from '../../lib/data/directory';
import { fetchCommand, publishedTeacher, publishedTeacherNames } from '../../lib/data/teachers';
import { LabError, unknownName } from '../../lib/errors';
import { type Pair, pairName } from '../../lib/study/grid';
import type { GivenTeacher } from '../../lib/study/run-study';
import type { Scale } from '../../lib/results/schema';
import type { GridOptions } from './command';

/** Where teachers come from: `auto` is published at the paper's setting, where they are there. */
export const teacherChoices = ['auto', 'published', 'trained'] as const;

/** The data set of the published teachers. */
const publishedDataset = 'cifar100';

/** The teachers that are not trained here, and a line on each choice that the user did not make. */
export interface ChosenTeachers {
  readonly given: ReadonlyMap<string, GivenTeacher>;
  readonly notes: readonly string[];
}

/**
 * Which teachers are given or published; all others are trained here.
 *
 * @throws LabError of kind `option` when options contradict each other, or a published teacher is asked
 *   for and is not there.
 */
export function chooseTeachers(
  options: Pick<GridOptions, 'teachers' | 'teacherWeights' | 'classMeans' | 'dataDir'>,
  { scale, data, pairs }: { scale: Scale; data: string; pairs: readonly Pair[] },
): ChosenTeachers {
  const choice = requireChoice(options.teachers);
  if (options.teacherWeights !== undefined || options.classMeans !== undefined) {
    if (choice !== 'auto') {
      throw contradiction('--teachers', choice, 'Leave it out: the teacher is given as a file');
    }
    return { given: givenByFile(options, pairs), notes: [] };
  }
  const atPaperSetting = scale === 'paper' && data === publishedDataset;
  if (choice === 'trained' || (choice === 'auto' && !atPaperSetting)) {
    return { given: new Map(), notes: [] };
  }
  if (data !== publishedDataset) {
    throw contradiction('--teachers', choice, `They know CIFAR-100 only, not ${data}`);
  }
  return published(choice, teachersOf(pairs), dataDirectory(options.dataDir));
}

/** @throws LabError of kind `option` for a choice that is not known. */
export function requireChoice(given = 'auto'): (typeof teacherChoices)[number] {
  const choice = teacherChoices.find((known) => known === given);
  if (choice === undefined) throw unknownName('choice', given, teacherChoices, '--teachers');
  return choice;
}

function published(
  choice: 'auto' | 'published',
  names: readonly string[],
  dataDir: string,
): ChosenTeachers {
  const given = new Map<string, GivenTeacher>();
  const notes: string[] = [];
  for (const name of names) {
    const weights = publishedTeacher(name, dataDir);
    if (weights !== undefined) {
      // The place within the archive, not the one on this machine: the record is for others to read.
      const place = relative(dataDir, dirname(weights));
      given.set(name, { weights, source: `published: ${place}` });
      notes.push(`Teacher ${name}: the published one (${place}).`);
      continue;
    }
    const exists = publishedTeacherNames.some((known) => known === name);
    if (choice === 'published') {
      throw new LabError({
        kind: 'option',
        what: exists ? `the published ${name} is not there` : `no ${name} was published`,
        where: '--teachers',
        found: dataDir,
        remedy: exists
          ? `Run \`${fetchCommand}\` (or say with --data-dir where it lies), or train it with --teachers trained`
          : `Published: ${publishedTeacherNames.join(', ')}. Leave the option out to train it here`,
      });
    }
    const remedy = exists ? ` (the published one is not in ${dataDir}: ${fetchCommand})` : '';
    notes.push(`Teacher ${name}: trained here${remedy}.`);
  }
  return { given, notes };
}

/** @throws LabError of kind `option` for class means without a teacher, or one file for several teachers. */
export function givenByFile(
  { teacherWeights, classMeans }: Pick<GridOptions, 'teacherWeights' | 'classMeans'>,
  pairs: readonly Pair[],
): ReadonlyMap<string, GivenTeacher> {
  if (teacherWeights === undefined) {
    throw new LabError({
      kind: 'option',
      what: 'class means belong to a teacher that is given',
      where: '--class-means',
      remedy: 'Give the teacher too, with --teacher-weights',
    });
  }
  const [teacher, ...others] = teachersOf(pairs);
  if (teacher === undefined || others.length > 0) {
    throw new LabError({
      kind: 'option',
      what: 'one file of weights cannot serve several teachers',
      where: '--teacher-weights',
      found: pairs.map(pairName).join(', '),
      remedy: 'Name pairs of one teacher with --pairs',
    });
  }
  return new Map([
    [teacher, { weights: teacherWeights, ...(classMeans === undefined ? {} : { classMeans }) }],
  ]);
}

function teachersOf(pairs: readonly Pair[]): string[] {
  return [...new Set(pairs.map(({ teacher }) => teacher))];
}

function contradiction(where: string, found: string, remedy: string): LabError {
  return new LabError({
    kind: 'option',
    what: 'this choice of teachers does not fit the other options',
    where,
    found: `'${found}'`,
    remedy,
  });
}
