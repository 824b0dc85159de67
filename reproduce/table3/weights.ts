import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { isSmall } from '../../lib/coco/study/detectors';
import type { FirstWeights } from '../../lib/coco/study/first-weights';
import type { GivenDetectionTeacher } from '../../lib/coco/study/teacher-shelf';
import { dataDirectory } from '../../lib/data/directory';
import { isFolder } from '../../lib/data/paths';
import { hashDetectorFile } from '../../lib/detection/load-weights';
import { LabError } from '../../lib/errors';
import type { Scale } from '../../lib/results/schema';
import { type Pair, pairName } from '../../lib/study/grid';
import { requireChoice } from '../grid/teachers';
import type { Table3Options } from './command';

/** Where published weights lie below the data sets. */
const weightsFolder = 'detectors';
const backboneEnding = '-backbone';

/** The weights that are not trained here, and a line on each choice that the user did not make. */
export interface ChosenWeights {
  readonly teachers: ReadonlyMap<string, GivenDetectionTeacher>;
  /** What students begin with. */
  readonly first: ReadonlyMap<string, FirstWeights>;
  readonly notes: readonly string[];
}

interface Wanted {
  readonly scale: Scale;
  readonly pairs: readonly Pair[];
  readonly methods: readonly string[];
}

/**
 * Which teachers are given and what students begin with; other teachers are trained here.
 *
 * @throws LabError of kind `option` when options contradict each other, or a teacher of the paper's
 * setting is not there.
 */
export async function chooseWeights(
  options: Table3Options,
  wanted: Wanted,
): Promise<ChosenWeights> {
  const folder = join(dataDirectory(options.dataDir), weightsFolder);
  const teachers = teachersOf(options, wanted, folder);
  const first = await firstOf(options, wanted, folder);
  return {
    teachers: teachers.given,
    first: first.given,
    notes: [...teachers.notes, ...first.notes],
  };
}

function teachersOf(
  { teacherWeights, teachers }: Table3Options,
  { scale, pairs, methods }: Wanted,
  folder: string,
): { given: Map<string, GivenDetectionTeacher>; notes: string[] } {
  const choice = requireChoice(teachers);
  const names = distinct(pairs.map(({ teacher }) => teacher));
  const given = new Map<string, GivenDetectionTeacher>();
  if (teacherWeights !== undefined) {
    given.set(single(names, '--teacher-weights', pairs), { weights: teacherWeights });
    return { given, notes: [] };
  }
  const notes: string[] = [];
  if (choice === 'trained') return { given, notes };
  for (const name of names) {
    const file = isSmall(name) && choice === 'auto' ? undefined : fileOf(folder, name);
    if (file !== undefined) {
      given.set(name, { weights: join(folder, file), source: `published: ${file}` });
      notes.push(`Teacher ${name}: ${file}.`);
      continue;
    }
    const learns = methods.some((method) => method !== 'student' && method !== 'teacher');
    if (
      choice === 'published' ||
      (needsPublished(scale, name) && learns && !methods.includes('teacher'))
    ) {
      throw new LabError({
        kind: 'option',
        what: `the teacher ${name} is not there, and training it takes 270,000 iterations`,
        where: '--teachers',
        found: `no ${name}.pkl, .pth or .safetensors in ${folder}`,
        remedy:
          'Put detectron2’s published detector there, name a file with --teacher-weights, or name the row teacher in --methods to train it here',
      });
    }
  }
  return { given, notes };
}

/** At the paper's scale its teachers are never trained without being asked for. */
function needsPublished(scale: Scale, name: string): boolean {
  return scale === 'paper' && !isSmall(name);
}

async function firstOf(
  { studentWeights }: Table3Options,
  { pairs }: Wanted,
  folder: string,
): Promise<{ given: Map<string, FirstWeights>; notes: string[] }> {
  const names = distinct(pairs.map(({ student }) => student));
  const given = new Map<string, FirstWeights>();
  if (studentWeights !== undefined) {
    const name = single(names, '--student-weights', pairs);
    given.set(name, await firstWeights(studentWeights));
    return { given, notes: [] };
  }
  const notes: string[] = [];
  for (const name of distinct([...names, ...pairs.map(({ teacher }) => teacher)])) {
    if (isSmall(name)) continue;
    const file = fileOf(folder, `${name}${backboneEnding}`);
    if (file !== undefined) {
      given.set(name, await firstWeights(join(folder, file)));
      notes.push(`${name} begins with ${file}.`);
    } else if (names.includes(name)) {
      notes.push(
        `WARNING: ${name} begins with random weights under frozen norms and will learn little. ` +
          `Put a backbone trained on ImageNet into ${folder} as ${name}${backboneEnding}.pkl or .pth, or name it with --student-weights.`,
      );
    }
  }
  return { given, notes };
}

async function firstWeights(file: string): Promise<FirstWeights> {
  // The file's name, not its place: the record is for others to read.
  return { file, hash: await hashDetectorFile(file), source: basename(file) };
}

function fileOf(folder: string, name: string): string | undefined {
  if (!isFolder(folder)) return undefined;
  return readdirSync(folder)
    .sort()
    .find((file) => /^(.*)\.(?:pkl|pth|pt|safetensors)$/.exec(file)?.[1] === name);
}

function single(names: readonly string[], option: string, pairs: readonly Pair[]): string {
  const [name, ...others] = names;
  if (name !== undefined && others.length === 0) return name;
  throw new LabError({
    kind: 'option',
    what: 'one file of weights cannot serve several detectors',
    where: option,
    found: pairs.map(pairName).join(', '),
    remedy: 'Name pairs of one detector with --pairs',
  });
}

function distinct(names: readonly string[]): string[] {
  return [...new Set(names)];
}
