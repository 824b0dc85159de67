import { randomUUID } from 'node:crypto';
import { escapeHtml } from '../report/writers/escape-html';

/** One output in several forms, by MIME type; whoever shows it takes the best that it can. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** An output that can be replaced while its cell runs, or later. */
export interface LiveDisplay {
  /** Puts another output in its place. */
  update(bundle: MimeBundle): void;
}

interface DisplayData {
  readonly data: MimeBundle;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly transient: { readonly display_id?: string };
}

type WriteDisplayData = (content: DisplayData, update: boolean) => void;

/**
 * Shows one output under a cell, in all the forms given. Outside a notebook the text form is printed.
 *
 * @param metadata by MIME type, such as `{ 'image/png': { width: 700 } }`
 */
export function show(bundle: MimeBundle, metadata: DisplayData['metadata'] = {}): void {
  write({ data: bundle, metadata, transient: {} }, false);
}

/** Shows an output that is replaced by each `update`. */
export function showLive(bundle: MimeBundle): LiveDisplay {
  const transient = { display_id: randomUUID() };
  write({ data: bundle, metadata: {}, transient }, false);
  return {
    update: (next) => {
      write({ data: next, metadata: {}, transient }, true);
    },
  };
}

/** Shows Markdown, with formulas in LaTeX between dollar signs. */
export function showMarkdown(text: string): void {
  show({ 'text/markdown': text, 'text/plain': text });
}

function write(content: DisplayData, update: boolean): void {
  const writer = kernelWriter();
  if (writer !== undefined) {
    writer(content, update);
    return;
  }
  const text = content.data['text/plain'];
  if (typeof text === 'string') process.stdout.write(`${text}\n`);
}

/**
 * tslab's public `display` sends one MIME type at a time; what it is made of sends a whole bundle. It is
 * looked up among the modules of this process, because the kernel's tslab need not be this project's.
 */
function kernelWriter(): WriteDisplayData | undefined {
  for (const [path, module] of Object.entries(require.cache)) {
    if (!/tslab[\\/]dist[\\/]jupyter\.js$/u.test(path)) continue;
    const exported: unknown = module?.exports;
    if (typeof exported !== 'object' || exported === null) continue;
    const writer: unknown = Reflect.get(exported, 'lastWriteDisplayData');
    if (typeof writer === 'function') {
      return (content, update) => {
        Reflect.apply(writer, undefined, [content, update]);
      };
    }
  }
  return undefined;
}

/** What a danfojs `DataFrame` is to a table; any object with these two members will do. */
export interface TableLike {
  readonly columns: readonly string[];
  /** Rows of cells. */
  readonly values: unknown;
}

/** How a table looks. */
export interface TableOptions {
  /** Above the table. */
  readonly caption?: string;
  /** Digits after the point of numbers that are not whole: 2 by default; or one column's own. */
  readonly digits?: number | Readonly<Record<string, number>>;
}

const defaultDigits = 2;
const missing = '–';

/**
 * Shows a table, such as a danfojs `DataFrame`: whole, numbers to the right with the same digits, a
 * missing value (null, undefined, NaN) as a dash. It shows in a notebook that is not trusted, too.
 */
export function showTable(table: TableLike, options: TableOptions = {}): void {
  show({ 'text/html': tableHtml(table, options), 'text/plain': tableText(table, options) });
}

/** The table as HTML, every text escaped. */
function tableHtml(table: TableLike, options: TableOptions = {}): string {
  const { columns, rows, isNumeric } = cells(table, options);
  const align = (index: number): string =>
    `style="text-align: ${isNumeric[index] === true ? 'right' : 'left'}"`;
  const line = (tag: 'th' | 'td', texts: readonly string[]): string =>
    `<tr>${texts.map((text, index) => `<${tag} ${align(index)}>${escapeHtml(text)}</${tag}>`).join('')}</tr>`;
  return [
    '<table>',
    ...(options.caption === undefined
      ? []
      : [`<caption style="text-align: left">${escapeHtml(options.caption)}</caption>`]),
    `<thead>${line('th', columns)}</thead>`,
    '<tbody>',
    ...rows.map((row) => line('td', row)),
    '</tbody>',
    '</table>',
  ].join('\n');
}

/** The table as lines of text in columns. */
function tableText(table: TableLike, options: TableOptions = {}): string {
  const { columns, rows, isNumeric } = cells(table, options);
  const widths = columns.map((name, index) =>
    Math.max(name.length, ...rows.map((row) => row[index]?.length ?? 0)),
  );
  const line = (texts: readonly string[]): string =>
    texts
      .map((text, index) => {
        const width = widths[index] ?? 0;
        return isNumeric[index] === true ? text.padStart(width) : text.padEnd(width);
      })
      .join('  ')
      .trimEnd();
  const caption = options.caption === undefined ? [] : [options.caption];
  return [...caption, line(columns), ...rows.map(line)].join('\n');
}

function cells(
  { columns, values }: TableLike,
  { digits = defaultDigits }: TableOptions,
): { columns: readonly string[]; rows: string[][]; isNumeric: boolean[] } {
  const rows = (Array.isArray(values) ? values : []).map((row: unknown) =>
    Array.isArray(row) ? (row as unknown[]) : [row],
  );
  const isNumeric = columns.map((_, index) => {
    const column = rows.map((row) => row[index]);
    return column.some(isNumber) && column.every((value) => isNumber(value) || isMissing(value));
  });
  const digitsOf = columns.map((name, index) => {
    if (rows.every((row) => isMissing(row[index]) || Number.isInteger(row[index]))) return 0;
    return typeof digits === 'number' ? digits : (digits[name] ?? defaultDigits);
  });
  return {
    columns,
    isNumeric,
    rows: rows.map((row) => columns.map((_, index) => cellText(row[index], digitsOf[index] ?? 0))),
  };
}

function cellText(value: unknown, digits: number): string {
  if (isMissing(value)) return missing;
  // A minus sign is as wide as a plus sign, a hyphen is not.
  return isNumber(value) ? value.toFixed(digits).replace('-', '−') : String(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number' && !Number.isNaN(value);
}

function isMissing(value: unknown): boolean {
  return value === null || value === undefined || Number.isNaN(value);
}
