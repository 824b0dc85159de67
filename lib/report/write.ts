import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { resultsError } from '../errors';
import { writeAtomic } from '../files';
import { studyDirectory } from '../runs/paths';
import type { AtGlance } from './claims/glance';
import { renderFirstPage } from './claims/page';
import { renderCsv } from './csv';
import {
  type DocumentName,
  documentNames,
  type DrawnDocument,
  type Evidence,
  type ReportDocument,
} from './document';
import { drawDocument } from './draw';
import { planePage, renderPlanePage } from './plane/page';
import { firstPage, renderPages } from './writers/html';
import { renderMarkdown } from './writers/markdown';
import { pictureFiles } from './writers/picture';
import { renderTerminal, type TerminalOptions } from './writers/terminal';

/** Where the documents of one results directory come from. */
export interface Report {
  /** The results directory: runs are read below it. */
  readonly resultsRoot: string;
  /**
   * A document from the runs in some folders; from all that it belongs to where none are named. Null where
   * no run belongs to it.
   */
  read(name: DocumentName, folders?: readonly string[]): Promise<Evidence | null>;
  /** The claims at a glance, from all runs. */
  glance(): AtGlance;
}

/** What is written, and how. */
export interface WriteOptions extends TerminalOptions {
  readonly name: DocumentName;
  /** The folder of runs that the terminal shows. */
  readonly folder: string;
}

/** What was written. */
export interface Written {
  readonly terminal: string;
  /**
   * `NAME.md`, `NAME.csv`, those of other documents that were there, then the pages and pictures of the whole
   * report, the first page first.
   */
  readonly files: readonly string[];
  /** The asked folder's runs as plain data. */
  readonly json: unknown;
}

/**
 * Renders a table or study from run files alone and writes it into the results directory as Markdown and
 * CSV, anew those of others that lie there, and the report in which it has its pages, each file whole or not
 * at all. The same run files give the same bytes.
 *
 * @throws LabError of kind `results` when there is no run of it, a file of one is broken, or the seeds of
 * one cell were run with different recipes; nothing is written then.
 */
export async function writeDocument(
  report: Report,
  { name, folder, ...options }: WriteOptions,
): Promise<Written> {
  const { resultsRoot } = report;
  const own = await report.read(name, [folder]);
  if (own === null) {
    throw resultsError`there is no run of ${name} (${studyDirectory(resultsRoot, folder)}). Run npm run reproduce:${name} first, or name another results directory`;
  }
  const glance = report.glance();
  const documents = await drawAllDocuments(report, glance);
  // The same runs stand in other documents: whichever are there are written anew, after the asked one.
  const kept = documents.filter(
    (document) => document.name !== name && existsSync(join(resultsRoot, `${document.name}.md`)),
  );
  const asked = documents.filter((document) => document.name === name);
  const contents = [...asked, ...kept].flatMap((document) => [
    [`${document.name}.md`, renderMarkdown(document)] as const,
    [`${document.name}.csv`, renderCsv(document)] as const,
  ]);
  const files = writeFiles(resultsRoot, [...contents, ...reportFiles(glance, documents)]);
  return { terminal: renderTerminal(own.document, options), files, json: own.json };
}

/**
 * Renders the report: a first page with the claims, and pages and pictures of every table and study that has
 * runs.
 *
 * @throws LabError of kind `results` when there is no run at all or a file of one is broken; nothing is
 * written then.
 */
export async function writePages(report: Report, output: string): Promise<string[]> {
  const glance = report.glance();
  const documents = await drawAllDocuments(report, glance);
  if (documents.length === 0) {
    throw resultsError`there is no run to report (${report.resultsRoot}): found no folder of runs. Run npm run reproduce:table1 first, or name another results directory`;
  }
  return writeFiles(output, reportFiles(glance, documents));
}

/** The pages and pictures of a report, which can be served as they are: a first page that leads to all. */
function reportFiles(glance: AtGlance, documents: readonly DrawnDocument[]): [string, string][] {
  return [
    [firstPage, renderFirstPage(glance, documents)],
    ...documents.flatMap((document) => renderPages(document, glance.current[document.name])),
    ...documents.flatMap(pictureFiles),
    [planePage, renderPlanePage()],
  ];
}

async function drawAllDocuments(report: Report, glance: AtGlance): Promise<DrawnDocument[]> {
  const documents: DrawnDocument[] = [];
  for (const name of documentNames) {
    const found = await report.read(name);
    if (found !== null) documents.push(await drawDocument(withPictures(found.document, glance)));
  }
  return documents;
}

/** With the pictures of its claims, each before all else of the setting that its claim is judged on. */
function withPictures(
  document: ReportDocument,
  { pictures, current }: Pick<AtGlance, 'pictures' | 'current'>,
): ReportDocument {
  const { name, parts } = document;
  const own = pictures.filter((picture) => picture.document === name);
  const judged = parts.find(({ title }) => current[name]?.includes(title)) ?? parts[0];
  const partOf = (setting: string | null) => parts.find(({ title }) => title === setting) ?? judged;
  return {
    ...document,
    parts: parts.map((part) => ({
      ...part,
      blocks: [
        ...own.flatMap(({ setting, block }) => (partOf(setting) === part ? [block] : [])),
        ...part.blocks,
      ],
    })),
  };
}

function writeFiles(folder: string, contents: readonly (readonly [string, string])[]): string[] {
  return contents.map(([file, text]) => {
    const path = join(folder, file);
    writeAtomic(path, text);
    return path;
  });
}
