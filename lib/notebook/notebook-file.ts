import { z } from 'zod';
import { fileError } from '../errors';
import { readJson } from '../files';
import type { Message } from './kernel';

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
  const fix = 'Name a notebook (.ipynb, format 4)';
  const read = notebookSchema.safeParse(readJson(path, fix));
  if (read.success) return read.data;
  const issue = read.error.issues[0];
  throw fileError`a file is not a notebook of format 4 (${path}): found ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}. ${fix}`;
}

/** The text of a cell, which a file may hold as a list of lines. */
export function sourceOf(cell: Notebook['cells'][number]): string {
  return typeof cell.source === 'string' ? cell.source : cell.source.join('');
}

/**
 * A notebook's text exactly as Jupyter itself writes it (sorted keys, one space of indentation, numbers as Python has
 * them), so that saving it in JupyterLab changes no line that was not edited.
 */
export function notebookText(notebook: Notebook): string {
  const text = JSON.stringify(sorted(notebook), null, 1);
  return `${text.replace(stringOrNumber, (found) => (found.startsWith('"') ? found : pythonNumber(found)))}\n`;
}

const stringOrNumber = /"(?:[^"\\]|\\.)*"|-?\d[\d.e+-]*/gu;

/** Python writes what is below 0.0001 with an exponent, of at least two digits. */
function pythonNumber(text: string): string {
  const value = Number(text);
  if (value === 0 || Math.abs(value) >= 1e-4) return text;
  return value.toExponential().replace(/e-(\d)$/u, 'e-0$1');
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

const streamSchema = z.object({ name: z.enum(['stdout', 'stderr']), text: z.string() });
const displaySchema = z.object({
  data: z.record(z.string(), z.unknown()),
  metadata: z.record(z.string(), z.unknown()).default({}),
  transient: z.object({ display_id: z.string().optional() }).default({}),
});

interface StreamOutput {
  readonly kind: 'stream';
  readonly name: 'stdout' | 'stderr';
  text: string;
}

interface DisplayOutput {
  readonly kind: 'display';
  readonly id: string | undefined;
  data: Record<string, unknown>;
  metadata: Record<string, unknown>;
}

type Collected = StreamOutput | DisplayOutput;

/** The outputs of a notebook's cells while they come in, whatever the order. */
export interface OutputCollector {
  /** Takes what the kernel publishes for a cell. */
  add(cell: number, message: Message): void;
  /** All that a cell wrote on a stream so far. */
  streamText(cell: number, name: 'stdout' | 'stderr'): string;
  /** A cell's outputs as a notebook's file holds them. */
  outputs(cell: number): Output[];
}

export function createOutputCollector(): OutputCollector {
  const byCell = new Map<number, Collected[]>();
  const all = (cell: number): Collected[] => {
    const known = byCell.get(cell) ?? [];
    byCell.set(cell, known);
    return known;
  };
  const replace = (next: DisplayOutput): void => {
    for (const output of [...byCell.values()].flat()) {
      if (output.kind !== 'display' || output.id === undefined || output.id !== next.id) continue;
      output.data = next.data;
      output.metadata = next.metadata;
    }
  };
  return {
    add: (cell, { header, content }) => {
      if (header.msg_type === 'stream') {
        addText(all(cell), streamSchema.parse(content));
      } else if (['display_data', 'update_display_data'].includes(header.msg_type)) {
        const { data, metadata, transient } = displaySchema.parse(content);
        const output: DisplayOutput = { kind: 'display', id: transient.display_id, data, metadata };
        if (header.msg_type === 'display_data') all(cell).push(output);
        else replace(output);
      }
    },
    streamText: (cell, name) =>
      all(cell)
        .map((output) => (output.kind === 'stream' && output.name === name ? output.text : ''))
        .join(''),
    outputs: (cell) =>
      all(cell)
        .filter((output) => output.kind === 'display' || output.text !== '')
        .map(asFileOutput),
  };
}

function addText(
  outputs: Collected[],
  { name, text }: { name: 'stdout' | 'stderr'; text: string },
): void {
  const last = outputs.at(-1);
  if (last?.kind === 'stream' && last.name === name) last.text += text;
  else outputs.push({ kind: 'stream', name, text });
}

function asFileOutput(output: Collected): Output {
  if (output.kind === 'stream') {
    const { name, text } = output;
    return { output_type: 'stream', name, text: textLines(withoutOverwritten(text)) };
  }
  const data = Object.entries(output.data).map(([type, value]) => [
    type,
    typeof value === 'string' && !type.startsWith('image/png') ? textLines(value) : value,
  ]);
  return {
    output_type: 'display_data',
    data: Object.fromEntries(data) as Record<string, unknown>,
    metadata: output.metadata,
  };
}

/** A carriage return starts the line again, as a terminal shows it. */
function withoutOverwritten(text: string): string {
  return text
    .split('\n')
    .map((line) => line.slice(line.replace(/\r+$/u, '').lastIndexOf('\r') + 1))
    .join('\n');
}
