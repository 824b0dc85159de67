import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeAtomic } from '../../files';
import { checkRecord } from '../../records';
import { readRuns } from '../../runs/store';
import type { Evidence } from '../document';
import { buildStudy } from './build';
import { bySize } from './growing-teachers';
import { buildGroups, type GroupOptions } from './groups';
import type { StudyDocumentName, StudyGroup } from './model';
import { type PublishedMeans, publishedMeansSchema, readPublishedMeans } from './published-means';

/** What a study is read from. */
export interface StudySource extends Pick<GroupOptions, 'methods'> {
  readonly name: StudyDocumentName;
  /** The results directory: runs are read below it. */
  readonly resultsRoot: string;
  /** The folders of runs: each setting in them is a part of its own. */
  readonly folders: readonly string[];
}

/** The groups of a study's runs from run files alone. */
export function readStudyGroups({
  name,
  resultsRoot,
  folders,
  methods,
}: StudySource): StudyGroup[] {
  const ownMethods = methods.map(({ id }) => id).filter((id) => /^kd\+[^+]/u.test(id));
  return buildGroups({
    runs: folders.flatMap((folder) => readRuns(resultsRoot, folder)),
    methods,
    // KD and KD++ stand in table 1 too: they alone make no study of a pair.
    ownMethods: name === 'teachers' || name === 'table2' ? undefined : new Set(ownMethods),
    root: resultsRoot,
  });
}

/** A study from run files alone; null where no run belongs to it. */
export function readStudy(source: StudySource): Evidence | null {
  const { name, resultsRoot } = source;
  const all = readStudyGroups(source);
  // A setting of one teacher and one student tells nothing about sizes, where another does.
  const growing = all.filter(({ pairs }) =>
    (['teacher', 'student'] as const).some((which) => bySize(pairs, which).length > 0),
  );
  const groups = name === 'teachers' && growing.length > 0 ? growing : all;
  if (groups.length === 0) return null;
  const document = buildStudy(name, groups, publishedIn(resultsRoot));
  return { document, json: { name, groups } };
}

/** The norms of published class means, kept so that later renderings have them too. */
const publishedFile = 'published-class-means.json';

/** Keeps the norms of the class means in a folder beside the results, where the norm study lists them. */
export function keepPublishedMeans(resultsRoot: string, folder: string): void {
  const published = readPublishedMeans(folder);
  writeAtomic(join(resultsRoot, publishedFile), `${JSON.stringify(published, null, 2)}\n`);
}

function publishedIn(resultsRoot: string): PublishedMeans[] {
  const file = join(resultsRoot, publishedFile);
  const remedy = 'Delete it, and render the norm study with --class-means-dir again';
  return existsSync(file)
    ? checkRecord(publishedMeansSchema, readJson(file, remedy), file, remedy)
    : [];
}
