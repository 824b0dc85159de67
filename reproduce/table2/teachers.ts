import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { dataDirectory } from '../../lib/data/directory';
import { isFolder } from '../../lib/data/paths';
import { LabError } from '../../lib/errors';
import type { GivenTeacher } from '../../lib/study/run-study';
import type { GridOptions } from '../grid/command';
import type { ScopeSetting } from '../grid/scope';
import { type ChosenTeachers, givenByFile, requireChoice } from '../grid/teachers';

/** Where published weights lie below the data sets: `resnet34.pth`, `resnet34-b627a593.pth`, `….safetensors`. */
const teachersFolder = 'imagenet-teachers';

/**
 * Which teachers are given. At the paper's scale on ImageNet those that lie in the folder of teachers are
 * taken; all others are trained here.
 *
 * @throws LabError of kind `option` when options contradict each other, or a published teacher is asked for
 *   and is not there.
 */
export function chooseImageNetTeachers(
  options: GridOptions,
  { scale, data, pairs }: ScopeSetting,
): ChosenTeachers {
  const choice = requireChoice(options.teachers);
  if (options.teacherWeights !== undefined || options.classMeans !== undefined) {
    return { given: givenByFile(options, pairs), notes: [] };
  }
  const atPaperSetting = scale === 'paper' && data === 'imagenet';
  if (choice === 'trained' || (choice === 'auto' && !atPaperSetting)) {
    return { given: new Map(), notes: [] };
  }
  const folder = join(dataDirectory(options.dataDir), teachersFolder);
  const given = new Map<string, GivenTeacher>();
  const notes: string[] = [];
  for (const name of new Set(pairs.map(({ teacher }) => teacher))) {
    const file = weightsIn(folder, name);
    if (file !== undefined) {
      given.set(name, { weights: join(folder, file), source: `published: ${file}` });
      notes.push(`Teacher ${name}: ${file}.`);
    } else if (choice === 'published') {
      throw new LabError({
        kind: 'option',
        what: `the published ${name} is not there`,
        where: '--teachers',
        found: folder,
        remedy: `Put torchvision's or timm's file of it there (${name}.pth or ${name}.safetensors), or train it with --teachers trained`,
      });
    } else {
      notes.push(
        `Teacher ${name}: trained here. The paper takes published weights: put ${name}.pth or ${name}.safetensors into ${folder}.`,
      );
    }
  }
  return { given, notes };
}

function weightsIn(folder: string, name: string): string | undefined {
  if (!isFolder(folder)) return undefined;
  return readdirSync(folder)
    .sort()
    .find((file) => {
      const stem = /^(.*)\.(?:pth|pt|safetensors)$/.exec(file)?.[1];
      return stem === name || stem?.startsWith(`${name}-`) === true;
    });
}
