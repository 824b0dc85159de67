import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'csv-stringify/sync';
import { resultsError } from '../../errors';
import { readJson, writeAtomic } from '../../files';
import { checkRecord } from '../../records';
import { studyDirectory } from '../../runs/paths';
import { readRuns } from '../../runs/store';
import { type CsvCell, summaryColumns } from '../csv';
import { buildStudy, type StudyDocumentName } from './build';
import type { DrawnStudy, StudyDocument } from './document';
import { buildGroups } from './groups';
import { renderStudyHtml } from './html-study';
import type { StudyGroup, StudyPair, StudyRow } from './model';
import type { StudyMethod } from './names';
import { drawStudy, plotSheet } from './plots';
import { type PublishedMeans, publishedMeansSchema, readPublishedMeans } from './published-means';
import { renderStudyMarkdown, renderStudyTerminal } from './text-study';

/** A study as CSV: one line a method on a pair, all digits, empty where there is no number. */
export function renderStudyCsv(groups: readonly StudyGroup[]): string {
  const records = groups.flatMap((group) =>
    group.pairs.flatMap((pair) =>
      pair.rows
        .filter(({ runs, unfinished }) => runs.length + unfinished.length > 0)
        .map((row) => record(group, pair, row)),
    ),
  );
  return stringify(records, {
    header: true,
    cast: { number: (value) => String(value) },
    ...(records.length > 0 ? {} : { columns: ['dataset'] }),
  });
}

function record({ setting }: StudyGroup, pair: StudyPair, row: StudyRow): Record<string, CsvCell> {
  return {
    dataset: setting.dataset,
    scale: setting.scale,
    epochs: setting.epochs,
    batch_size: setting.batchSize,
    data_hash: setting.dataHash,
    pair: pair.pair,
    teacher: pair.teacher,
    student: pair.student,
    teacher_parameters: pair.teacherParameters,
    student_parameters: pair.studentParameters,
    teacher_top1: pair.teacherTop1,
    method: row.method,
    label: row.label,
    ...summaryColumns('top1', row.top1),
    ...summaryColumns('best_top1', row.best),
    base: row.base,
    ...summaryColumns('gain_over_base', row.overBase),
    ...summaryColumns('gain_over_student', row.overStudent),
    ...summaryColumns('student_norm', row.studentNorm),
    teacher_norm: row.teacherNorm,
    ...summaryColumns('cosine', row.cosine),
    teacher_cosine: row.teacherCosine,
    unfinished_seeds: row.unfinished.map(({ seed }) => seed).join(' '),
    revisions: [...new Set(row.runs.map(({ revision }) => revision ?? 'unknown'))].join(' '),
    run_directories: row.runs.map(({ directory }) => directory).join(' '),
  };
}

/** The norms of published class means, kept so that later renderings have them too. */
const publishedFile = 'published-class-means.json';

/** What a study is rendered from. */
export interface StudySource {
  readonly name: StudyDocumentName;
  /** The results directory: runs are read below it. */
  readonly resultsRoot: string;
  /** The folders of runs: each setting in them is a part of its own. */
  readonly folders: readonly string[];
  /** The study's rows, in the table's order. */
  readonly methods: readonly StudyMethod[];
}

/** Where a study goes. */
export interface WriteStudyOptions extends StudySource {
  /** Whose runs the terminal shows. */
  readonly study: string;
  /** A folder of published class means, of which the norm study lists the norms. */
  readonly classMeansDir?: string;
}

/** What was written. */
export interface WrittenStudy {
  readonly terminal: string;
  /** `NAME.md`, `NAME.csv`, `NAME.html`, `NAME.svg`. */
  readonly files: readonly string[];
  /** The asked folder's runs as plain data. */
  readonly json: { readonly name: StudyDocumentName; readonly groups: readonly StudyGroup[] };
}

/**
 * Renders a study from run files alone and writes it as Markdown, CSV, HTML and a sheet of plots, each
 * whole or not at all. The same run files give the same bytes.
 *
 * @throws LabError of kind `results` when there is no run of it, a file of one is broken, or the seeds of
 * one cell were run with different recipes; nothing is written then.
 */
export async function writeStudy(options: WriteStudyOptions): Promise<WrittenStudy> {
  const { name, resultsRoot, study, folders, classMeansDir } = options;
  const published = classMeansDir === undefined ? undefined : readPublishedMeans(classMeansDir);
  const own = groupsOf({ ...options, folders: [study] });
  if (own.length === 0) {
    throw resultsError`there is no run of the ${name} study (${studyDirectory(resultsRoot, study)}). Run npm run reproduce:${name} first, or name another results directory`;
  }
  const groups = groupsOf({ ...options, folders: [...new Set([study, ...folders])] });
  if (published !== undefined) {
    writeAtomic(join(resultsRoot, publishedFile), `${JSON.stringify(published, null, 2)}\n`);
  }
  const document = documentOf(name, groups, resultsRoot);
  const drawn = await drawStudy(document);
  const plots = `${name}.svg`;
  const contents: [string, string][] = [
    [`${name}.md`, renderStudyMarkdown(document, plots)],
    [`${name}.csv`, renderStudyCsv(groups)],
    [`${name}.html`, renderStudyHtml(drawn)],
    [plots, plotSheet(drawn)],
  ];
  const files = contents.map(([file, text]) => {
    const path = join(resultsRoot, file);
    writeAtomic(path, text);
    return path;
  });
  return {
    terminal: renderStudyTerminal(documentOf(name, own, resultsRoot)),
    files,
    json: { name, groups: own },
  };
}

/** A study with its plots, for a page of several; null where no run belongs to it. */
export async function readDrawnStudy(source: StudySource): Promise<DrawnStudy | null> {
  const groups = groupsOf(source);
  return groups.length === 0
    ? null
    : drawStudy(documentOf(source.name, groups, source.resultsRoot));
}

function groupsOf({ name, resultsRoot, folders, methods }: StudySource): StudyGroup[] {
  const ownMethods = methods.map(({ id }) => id).filter((id) => /^kd\+[^+]/u.test(id));
  return buildGroups({
    runs: folders.flatMap((folder) => readRuns(resultsRoot, folder)),
    methods,
    // KD and KD++ stand in table 1 too: they alone make no study of a pair.
    ...(name === 'teachers' || name === 'table2' ? {} : { ownMethods: new Set(ownMethods) }),
    root: resultsRoot,
  });
}

function documentOf(
  name: StudyDocumentName,
  groups: readonly StudyGroup[],
  resultsRoot: string,
): StudyDocument {
  return buildStudy(name, groups, { publishedMeans: publishedIn(resultsRoot) });
}

function publishedIn(resultsRoot: string): PublishedMeans[] {
  const file = join(resultsRoot, publishedFile);
  const remedy = 'Delete it, and render the norm study with --class-means-dir again';
  return existsSync(file)
    ? checkRecord(publishedMeansSchema, readJson(file, remedy), file, remedy)
    : [];
}
