import { z } from 'zod';
import { LabError } from '../../errors';
import { readJson } from '../../files';

const textSchema = z.union([z.string(), z.array(z.string())]);

const cellSchema = z.looseObject({
  cell_type: z.enum(['code', 'markdown', 'raw']),
  id: z.string().optional(),
  source: textSchema,
  metadata: z.record(z.string(), z.unknown()),
});

const notebookSchema = z.looseObject({
  nbformat: z.literal(4),
  nbformat_minor: z.int(),
  metadata: z.record(z.string(), z.unknown()),
  cells: z.array(cellSchema),
});

/** A Jupyter notebook, format 4, as its file holds it. */
export type Notebook = z.infer<typeof notebookSchema>;
/** One output of a cell, as the file holds it. */
export interface Output {
  readonly output_type: string;
  readonly [member: string]: unknown;
}

/** @throws LabError of kind `file` when the file is missing or is no notebook of format 4. */
export function readNotebook(path: string): Notebook {
  const remedy = 'Name a notebook (.ipynb, format 4)';
  const read = notebookSchema.safeParse(readJson(path, remedy));
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  throw new LabError({
    kind: 'file',
    what: 'a file is not a notebook of format 4',
    where: path,
    found: `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
    remedy,
  });
}

/** The text of a cell, which a file may hold as a list of lines. */
export function sourceOf(cell: Notebook['cells'][number]): string {
  return typeof cell.source === 'string' ? cell.source : cell.source.join('');
}

/**
 * A notebook's text exactly as Jupyter itself writes it (sorted keys, one space of indentation), so that
 * saving it in JupyterLab changes no line that was not edited.
 */
export function notebookText(notebook: Notebook): string {
  return `${JSON.stringify(sorted(notebook), null, 1)}\n`;
}

/** Several lines of text as the format wants them: a list of lines, each with its line feed. */
export function textLines(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/gu) ?? [];
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}
