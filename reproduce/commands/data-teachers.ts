import { dataDirectory } from '../../lib/data/paths';
import type { OnDataProgress } from '../../lib/data/progress';
import { findSource, loadDataset } from '../../lib/data/registry';
import type { ImageDataset } from '../../lib/data/source';
import { fetchTeachers } from '../../lib/data/teachers';
import { startEngine } from '../../lib/engine/load';
import { type MeasuredTeacher, measureTeacher } from '../../lib/runs/published-teachers';
import { print, tableOf } from './common';

/** The options of `npm run data -- cifar-teachers`. */
export interface TeachersOptions {
  readonly dataDir?: string;
  readonly from?: string;
  readonly sha256?: string;
  readonly measure?: boolean;
  readonly json?: true;
}

/** Fetches the published teachers, loads each, measures it and prints what was found. */
export async function fetchAndMeasureTeachers(
  { dataDir, from, sha256, measure = true, json }: TeachersOptions,
  onProgress: OnDataProgress,
): Promise<void> {
  const directory = dataDirectory(dataDir);
  const { archive, teachers, missing } = await fetchTeachers({
    dataDir: directory,
    from,
    sha256,
    onProgress,
  });
  await startEngine();
  const dataset = measure ? await cifar100(directory, onProgress) : undefined;
  const measured: MeasuredTeacher[] = [];
  for (const teacher of teachers) measured.push(await measureTeacher(teacher, dataset, onProgress));
  const summary = { archive, dataset: dataset?.name ?? null, teachers: measured, missing };
  print(json, summary, describe(measured));
  const notes = [
    archive === null ? 'The teachers were there already.' : `SHA-256 of the archive: ${archive}`,
    'Nobody published a checksum of it: what was unpacked first is what later files are compared with.',
    ...(missing.length > 0 ? [`Not in the archive: ${missing.join(', ')}`] : []),
    ...(measure && dataset === undefined
      ? ['Not measured: CIFAR-100 is not there (npm run data -- download cifar100)']
      : []),
    ...measured.flatMap(({ warning }) => (warning === null ? [] : [`WARNING: ${warning}`])),
    ...measured.flatMap(({ name, fault }) => (fault === null ? [] : [`error: ${name}: ${fault}`])),
  ];
  process.stderr.write(notes.map((note) => `${note}\n`).join(''));
  if (measured.some(({ fault }) => fault !== null)) process.exitCode = 1;
}

async function cifar100(
  dataDir: string,
  onProgress: OnDataProgress,
): Promise<ImageDataset | undefined> {
  const { state } = await findSource('cifar100').status(dataDir);
  return state === 'missing' ? undefined : loadDataset('cifar100', { dataDir, onProgress });
}

function describe(teachers: readonly MeasuredTeacher[]): string {
  const table = tableOf(['teacher', 'top-1 here', 'paper', 'difference', 'file']);
  for (const { name, file, top1, paper, fault } of teachers) {
    const here = fault === null ? percent(top1) : 'broken';
    const difference = top1 === null || paper === null ? '' : (top1 - paper).toFixed(2);
    table.push([name, here, percent(paper), difference, file]);
  }
  return table.toString();
}

function percent(value: number | null): string {
  return value === null ? '–' : `${value.toFixed(2)} %`;
}
