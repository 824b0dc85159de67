import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { dataDirectory } from '../../lib/data/paths';
import { classMeansFolder, imageNetTeachersFolder } from '../../lib/data/tables/needs';
import { imageNetTeacherIn } from '../../lib/data/tables/places';
import { fetchCommand, publishedTeacher, publishedTeacherNames } from '../../lib/data/teachers';
import { type LabError, optionError, unknownName } from '../../lib/errors';
import { type Pair, pairName } from '../../lib/runs/grid';
import type { GivenTeacher } from '../../lib/runs/task';
import type { Choice, GridOptions } from './settings';

/** Where teachers come from: `auto` is published at the paper's setting, where they are there. */
const teacherChoices = ['auto', 'published', 'trained'] as const;

/** The data set of the published teachers. */
const publishedDataset = 'cifar100';

/** The teachers that are not trained here, and a line on each choice that the user did not make. */
interface ChosenTeachers {
  readonly given: ReadonlyMap<string, GivenTeacher>;
  readonly notes: readonly string[];
}

type TeacherOptions = Pick<GridOptions, 'teachers' | 'teacherWeights' | 'classMeans' | 'dataDir'>;
type TeacherChoice = Pick<Choice, 'scale' | 'data' | 'pairs'>;

const none: ChosenTeachers = { given: new Map(), notes: [] };

/**
 * Which teachers of table 1 are given or published; all others are trained here.
 *
 * @throws LabError of kind `option` when options contradict each other, or a published teacher is asked
 *   for and is not there.
 */
export function chooseTeachers(
  options: TeacherOptions,
  { scale, data, pairs }: TeacherChoice,
): ChosenTeachers {
  const choice = requireChoice(options.teachers);
  if (isGivenByFile(options)) {
    requireNoOtherChoice(choice);
    return { given: givenByFile(options, pairs), notes: [] };
  }
  const atPaperSetting = scale === 'paper' && data === publishedDataset;
  if (choice === 'trained' || (choice === 'auto' && !atPaperSetting)) {
    refuseClassMeans(options);
    return none;
  }
  if (data !== publishedDataset) {
    throw contradiction('--teachers', choice, `They know CIFAR-100 only, not ${data}`);
  }
  const dataDir = dataDirectory(options.dataDir);
  return published(pairs, choice, options, (name) => {
    const weights = publishedTeacher(name, dataDir);
    const exists = publishedTeacherNames.some((known) => known === name);
    if (weights === undefined) {
      return {
        missing: exists ? `the published ${name} is not there` : `no ${name} was published`,
        where: dataDir,
        fix: exists
          ? `Run \`${fetchCommand}\` (or say with --data-dir where it lies), or train it with --teachers trained`
          : `Published: ${publishedTeacherNames.join(', ')}. Leave the option out to train it here`,
        note: exists
          ? `trained here (the published one is not in ${dataDir}: ${fetchCommand}).`
          : 'trained here.',
      };
    }
    // The place within the archive, not the one on this machine: the record is for others to read.
    const path = relative(dataDir, dirname(weights));
    return { weights, source: `published: ${path}`, note: `the published one (${path}).` };
  });
}

/**
 * Which teachers of table 2 are given. At the paper's scale on ImageNet those that lie in the folder of
 * teachers are taken; all others are trained here.
 *
 * @throws LabError as `chooseTeachers` does.
 */
export function chooseImageNetTeachers(
  options: TeacherOptions,
  { scale, data, pairs }: TeacherChoice,
): ChosenTeachers {
  const choice = requireChoice(options.teachers);
  if (isGivenByFile(options)) {
    requireNoOtherChoice(choice);
    return { given: givenByFile(options, pairs), notes: [] };
  }
  const atPaperSetting = scale === 'paper' && data === 'imagenet';
  if (choice === 'trained' || (choice === 'auto' && !atPaperSetting)) {
    refuseClassMeans(options);
    return none;
  }
  const folder = join(dataDirectory(options.dataDir), imageNetTeachersFolder);
  return published(pairs, choice, options, (name) => {
    const file = imageNetTeacherIn(folder, name);
    if (file !== undefined) {
      return { weights: join(folder, file), source: `published: ${file}`, note: `${file}.` };
    }
    return {
      missing: `the published ${name} is not there`,
      where: folder,
      fix: `Run \`npm run data -- table2\`, or put torchvision's or timm's file of it there (${name}.pth or ${name}.safetensors), or train it with --teachers trained`,
      note: `trained here. The paper takes published weights: run \`npm run data -- table2\`, or put ${name}.pth or ${name}.safetensors into ${folder}.`,
    };
  });
}

/** @throws LabError of kind `option` for a choice that is not known. */
export function requireChoice(given = 'auto'): (typeof teacherChoices)[number] {
  const choice = teacherChoices.find((known) => known === given);
  if (choice === undefined) throw unknownName('choice', given, teacherChoices, '--teachers');
  return choice;
}

/** @throws LabError of kind `option` where `--teachers` is given beside a teacher's file. */
export function requireNoOtherChoice(choice: ReturnType<typeof requireChoice>): void {
  if (choice === 'auto') return;
  throw contradiction('--teachers', choice, 'Leave it out: the teacher is given as a file');
}

/** The one teacher, or student, of some pairs. @throws LabError of kind `option` for several. */
export function singleOf(
  role: keyof Pair,
  pairs: readonly Pair[],
  { where, what }: { readonly where: string; readonly what: string },
): string {
  const [name, ...others] = distinct(role, pairs);
  if (name !== undefined && others.length === 0) return name;
  throw optionError`one file of weights cannot serve several ${what} (${where}): found ${pairs.map(pairName).join(', ')}. Name pairs of one ${what.replace(/s$/, '')} with --pairs`;
}

/** The teachers, or students, of some pairs, each once. */
export function distinct(role: keyof Pair, pairs: readonly Pair[]): string[] {
  return [...new Set(pairs.map((pair) => pair[role]))];
}

/** @throws LabError of kind `option` for class means without a teacher, or one file for several teachers. */
function givenByFile(
  options: TeacherOptions,
  pairs: readonly Pair[],
): ReadonlyMap<string, GivenTeacher> {
  const { teacherWeights: weights } = options;
  if (weights === undefined) {
    throw optionError`class means belong to a teacher that is given (--class-means). Give the teacher too, with --teacher-weights`;
  }
  const name = singleOf('teacher', pairs, { where: '--teacher-weights', what: 'teachers' });
  return new Map([[name, { weights, ...classMeansFor(name, options) }]]);
}

const released = 'released';

function isGivenByFile({ teacherWeights, classMeans }: TeacherOptions): boolean {
  return teacherWeights !== undefined || (classMeans !== undefined && classMeans !== released);
}

/** @throws LabError of kind `option` where class means are given for a teacher that is trained here. */
export function refuseClassMeans({ classMeans }: Pick<TeacherOptions, 'classMeans'>): void {
  if (classMeans === undefined) return;
  throw optionError`class means belong to a teacher that is given or published (--class-means): found '${classMeans}' and a teacher that is trained here. Add --teachers published, or give the teacher with --teacher-weights`;
}

/**
 * The file of a teacher's class means, where one is given.
 *
 * @throws LabError of kind `option` when the released one is asked for and is not there.
 */
export function classMeansFor(
  name: string,
  { classMeans, dataDir }: Pick<TeacherOptions, 'classMeans' | 'dataDir'>,
): Pick<GivenTeacher, 'classMeans'> {
  if (classMeans !== released) return classMeans === undefined ? {} : { classMeans };
  const file = join(dataDirectory(dataDir), classMeansFolder, `${name}.json`);
  if (existsSync(file)) return { classMeans: file };
  throw optionError`the released class means of ${name} are not there (--class-means): found no ${file}. Put the file of the paper’s code there (CIFAR/ckpt/teacher/…/center_emb_train.json, Detection/configs/Center/…_emb.json), or leave the option out to have them made`;
}

type Found =
  | { readonly weights: string; readonly source: string; readonly note: string }
  | {
      readonly missing: string;
      readonly where: string;
      readonly fix: string;
      readonly note: string;
    };

/** The published teachers of these pairs, where they are there; who asks for them must have them. */
function published(
  pairs: readonly Pair[],
  choice: 'auto' | 'published',
  options: TeacherOptions,
  find: (name: string) => Found,
): ChosenTeachers {
  const given = new Map<string, GivenTeacher>();
  const notes = distinct('teacher', pairs).map((name) => {
    const found = find(name);
    if ('weights' in found) {
      const { weights, source } = found;
      given.set(name, { weights, source, ...classMeansFor(name, options) });
    } else if (choice === 'published') {
      const { missing: what, where: place, fix: remedy } = found;
      throw optionError`${what} (--teachers): found ${place}. ${remedy}`;
    } else {
      refuseClassMeans(options);
    }
    return `Teacher ${name}: ${found.note}`;
  });
  return { given, notes };
}

function contradiction(where: string, found: string, fix: string): LabError {
  return optionError`this choice of teachers does not fit the other options (${where}): found '${found}'. ${fix}`;
}
