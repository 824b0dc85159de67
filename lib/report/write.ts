import { join } from 'node:path';
import { resultsError } from '../errors';
import { writeAtomic } from '../files';
import { studyDirectory } from '../runs/paths';
import { renderCsv } from './csv';
import {
  type DocumentName,
  documentNames,
  type DrawnDocument,
  type PlotsBlock,
  type ReportDocument,
} from './document';
import { drawDocument } from './draw';
import type { ClaimPicture } from './pictures/claims';
import { renderPage } from './writers/html';
import { renderMarkdown } from './writers/markdown';
import { pictureFiles } from './writers/picture';
import { renderTerminal, type TerminalOptions } from './writers/terminal';

/** A table or a study, computed from runs. */
export interface Evidence {
  readonly document: ReportDocument;
  /** The model that the document was built from, as plain data. */
  readonly json: unknown;
}

/** Where the documents of one results directory come from. */
export interface Report {
  /** The results directory: runs are read below it. */
  readonly resultsRoot: string;
  /**
   * A document from the runs in some folders; from all that it belongs to where none are named. Null where
   * no run belongs to it.
   */
  read(name: DocumentName, folders?: readonly string[]): Promise<Evidence | null>;
  /** The pictures of the paper's claims, which stand in the documents that show their runs. */
  pictures?(): readonly ClaimPicture[];
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
  /** `NAME.md`, `NAME.csv`, `NAME.html`, the report’s pictures, `REPORT.html`. */
  readonly files: readonly string[];
  /** The asked folder's runs as plain data. */
  readonly json: unknown;
}

/** The page that holds everything. */
const reportFile = 'REPORT.html';

/**
 * Renders a table or study from run files alone and writes it into the results directory as Markdown, CSV,
 * HTML and pictures, and the page that holds it with all others, each whole or not at all. The same run files
 * give the same bytes.
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
  const documents = await drawAllDocuments(report);
  const contents = documents
    .filter((document) => document.name === name)
    .flatMap((document) => [
      [`${name}.md`, renderMarkdown(document)] as const,
      [`${name}.csv`, renderCsv(document)] as const,
      [`${name}.html`, renderPage([document])] as const,
    ]);
  const files = writeFiles(resultsRoot, [
    ...contents,
    ...documents.flatMap(pictureFiles),
    [reportFile, renderPage(documents)],
  ]);
  return { terminal: renderTerminal(own.document, options), files, json: own.json };
}

/**
 * Renders every table and study that has runs, each as a page of its own and all of them as one.
 *
 * @throws LabError of kind `results` when there is no run at all or a file of one is broken; nothing is
 * written then.
 */
export async function writePages(report: Report, output: string): Promise<string[]> {
  const documents = await drawAllDocuments(report);
  if (documents.length === 0) {
    throw resultsError`there is no run to report (${report.resultsRoot}): found no folder of runs. Run npm run reproduce:table1 first, or name another results directory`;
  }
  const own = documents.map(
    (document) => [`${document.name}.html`, renderPage([document])] as const,
  );
  return writeFiles(output, [
    [reportFile, renderPage(documents)],
    ...own,
    ...documents.flatMap(pictureFiles),
  ]);
}

async function drawAllDocuments(report: Report): Promise<DrawnDocument[]> {
  const documents: DrawnDocument[] = [];
  const pictures = report.pictures?.() ?? [];
  for (const name of documentNames) {
    const found = await report.read(name);
    const own = pictures.filter(({ document }) => document === name).map(({ block }) => block);
    if (found !== null) documents.push(await drawDocument(withPictures(found.document, own)));
  }
  return documents;
}

/** Before all else that a document shows. */
function withPictures(document: ReportDocument, pictures: readonly PlotsBlock[]): ReportDocument {
  const [first, ...others] = document.parts;
  if (first === undefined) return document;
  return { ...document, parts: [{ ...first, blocks: [...pictures, ...first.blocks] }, ...others] };
}

function writeFiles(folder: string, contents: readonly (readonly [string, string])[]): string[] {
  return contents.map(([file, text]) => {
    const path = join(folder, file);
    writeAtomic(path, text);
    return path;
  });
}
