import { familySpecs, type PlotSize, type Quantity } from '../curves-plot';
import { type Family, type LineStyle, teacherStyle } from '../families';
import { drawAll, type Drawing, type Figure, intervalsInWords, lastOf } from '../figures';
import { escapeHtml } from '../html';
import { intervalPanel, type IntervalRow, marksOf, wideLabelMargins } from '../interval-panel';
import { alone, palette } from '../plot-style';
import { plain, signed } from '../words';
import type {
  Block,
  DrawnStudy,
  LegendLine,
  PlotsBlock,
  StudyDocument,
  StudyPart,
} from './document';
import { measured } from './method-table';
import { rowOf, type StudyPair, type StudyRow } from './model';

/** Draws the plots of a study; a block without any is left out. */
export async function drawStudy(study: StudyDocument): Promise<DrawnStudy> {
  const parts: StudyPart<Figure>[] = [];
  for (const part of study.parts) {
    const blocks: Block<Figure>[] = [];
    for (const block of part.blocks) blocks.push(...(await drawBlock(block)));
    parts.push({ ...part, blocks });
  }
  return { ...study, parts };
}

async function drawBlock(block: Block<Drawing>): Promise<Block<Figure>[]> {
  if (block.kind !== 'plots') return [block];
  const plots = await drawAll(block.plots);
  return plots.length === 0 ? [] : [{ ...block, plots }];
}

const columns = 3;
const columnWidth = 384;
const margin = 24;
const line = 20;
const gap = 16;

/** Something drawn at a height, and how high it is. */
interface Piece {
  readonly svg: string;
  readonly height: number;
}

/** All plots of a study on one sheet, with their titles and legends. */
export function plotSheet({ title, parts }: DrawnStudy): string {
  const pieces = [
    text(title, { size: 20, weight: 600 }),
    ...parts.flatMap((part) => {
      const drawn = underHeadings(part.blocks);
      if (drawn.length === 0) return [];
      return [text(part.title, { size: 16, weight: 600 }), ...drawn];
    }),
  ];
  const width = columns * columnWidth + 2 * margin;
  let height = margin;
  const placed = pieces.map((piece) => {
    const at = `<g transform="translate(${margin},${height})">${piece.svg}</g>`;
    height += piece.height;
    return at;
  });
  height += margin;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" font-family="system-ui, DejaVu Sans, Helvetica, Arial, sans-serif"><rect width="${width}" height="${height}" fill="white"/>
${placed.join('\n')}
</svg>`;
}

/** The plots, each heading only where a plot stands under it. */
function underHeadings(blocks: DrawnStudy['parts'][number]['blocks']): Piece[] {
  let heading: Piece[] = [];
  return blocks.flatMap((block) => {
    if (block.kind === 'heading') heading = [text(block.text, { size: 15, weight: 600 })];
    if (block.kind !== 'plots') return [];
    const pieces = [...heading, ...plotsPieces(block)];
    heading = [];
    return pieces;
  });
}

function plotsPieces({ title, legend, plots }: PlotsBlock<Figure>): Piece[] {
  const rows = Array.from({ length: Math.ceil(plots.length / columns) }, (_, row) =>
    plots.slice(row * columns, (row + 1) * columns),
  );
  return [
    text(title, { size: 14, weight: 600 }),
    ...(legend.length === 0 ? [] : [legendPiece(legend)]),
    ...rows.map(rowPiece),
  ];
}

function text(words: string, { size, weight }: { size: number; weight: number }): Piece {
  return {
    svg: `<text y="${size}" font-size="${size}" font-weight="${weight}" fill="#222">${escapeHtml(words)}</text>`,
    height: size + gap,
  };
}

function legendPiece(legend: readonly LegendLine[]): Piece {
  const entries = legend.map(({ label, style: { color, dash } }, index) => {
    const x = (index % columns) * columnWidth;
    const y = Math.floor(index / columns) * line;
    return `<g transform="translate(${x},${y})"><path d="M0 7H34" stroke="${color}" stroke-width="2.5" stroke-dasharray="${dash.join(' ')}"/><text x="42" y="11" font-size="12" fill="#222">${escapeHtml(label)}</text></g>`;
  });
  return { svg: entries.join(''), height: Math.ceil(legend.length / columns) * line + 4 };
}

function rowPiece(figures: readonly Figure[]): Piece {
  const drawn = figures.map(({ title, svg }, index) => {
    const x = index * columnWidth;
    // A drawing within a drawing keeps its own size; only its place is new.
    const nested = svg.replace('<svg', `<svg x="${x}" y="${line}"`);
    return `<text x="${x}" y="12" font-size="12" fill="#444">${escapeHtml(shortened(title))}</text>${nested}`;
  });
  const heights = figures.map(({ svg }) => Number(/ height="(\d+)/u.exec(svg)?.[1] ?? 0));
  return { svg: drawn.join(''), height: Math.max(...heights) + line + gap };
}

/** What fits into a column. */
function shortened(title: string): string {
  const [head = title] = title.split(':');
  return head;
}

/** Plotting areas, small enough for a telephone. */
export const plotSize: PlotSize = { width: 286, height: 190 };
const barsWidth = 182;

/** What every study compares with. */
export const kdStyle: LineStyle = { color: palette.vermilion, dash: [6, 3] };
/** The student alone. */
export const aloneStyle: LineStyle = { color: palette.grey, dash: [2, 3] };

/** Beside KD's line, and none of them the teacher's purple. */
const styles: readonly LineStyle[] = [
  { color: palette.blue, dash: [1, 0] },
  { color: palette.green, dash: [2, 2] },
  { color: palette.orange, dash: [3, 1] },
  { color: palette.sky, dash: [8, 3, 2, 3] },
  { color: palette.grey, dash: [1, 0] },
];

/** The style of the n-th line that is not KD's. */
export function styleAt(index: number): LineStyle {
  return styles[index % styles.length] ?? kdStyle;
}

/** Methods whose lines share a plot, beside KD's. */
export interface LineGroup {
  readonly label: string;
  readonly methods: readonly string[];
}

/** A block for each group of methods: their quantities by epoch. */
export function epochBlocks(
  pair: StudyPair,
  groups: readonly LineGroup[],
  quantities: readonly Quantity[],
): Block[] {
  const families = groups
    .map((group) => familyOf(pair, group))
    .filter(({ series }) => series.some(({ method }) => method !== 'kd'));
  const drawn = quantities.map((quantity) => ({
    quantity,
    specs: familySpecs(families, quantity, plotSize),
  }));
  return families.map((family, index) => ({
    kind: 'plots',
    title: `${family.label}, epoch by epoch`,
    legend: [
      ...family.series.map(({ label, style }) => ({ label, style })),
      ...(quantities.some(({ ofTeacher }) => ofTeacher !== undefined)
        ? [{ label: 'Teacher (norm)', style: teacherStyle }]
        : []),
    ],
    plots: drawn.map(({ quantity, specs }) => ({
      title: quantity.title,
      says: `${pair.pair}, after the last epoch: ${lastOf(family, quantity)}`,
      spec: specs[index] ?? null,
    })),
  }));
}

/** Accuracy and gain over KD of all methods, with intervals. */
export function barsBlock(pair: StudyPair): Block {
  const accuracy = intervalRows(measured(pair), ({ top1 }) => top1);
  const gains = intervalRows(measured(pair), ({ overBase }) => overBase);
  return {
    kind: 'plots',
    title: 'Accuracy and gains, with intervals',
    legend: [],
    marks: marksOf([...accuracy, ...gains]),
    plots: [
      intervalDrawing(pair, accuracy, {
        title: 'Top-1 after the last epoch',
        axis: 'top-1 (%)',
        write: plain,
      }),
      intervalDrawing(pair, gains, {
        title: 'Gain over the base, same seeds',
        axis: 'points of top-1',
        write: signed,
      }),
    ],
  };
}

function intervalRows(
  rows: readonly StudyRow[],
  of: (row: StudyRow) => IntervalRow['measured'] | null,
): IntervalRow[] {
  return rows.flatMap((row) => {
    const value = of(row);
    return value === null ? [] : [{ label: row.label, measured: value, paper: null }];
  });
}

function intervalDrawing(
  { pair }: StudyPair,
  rows: readonly IntervalRow[],
  { title, axis, write }: { title: string; axis: string; write: (value: number) => string },
): Drawing {
  return {
    title,
    says: `${pair}: ${intervalsInWords(rows, write)}`,
    spec:
      rows.length === 0
        ? null
        : alone(
            intervalPanel(rows, { width: barsWidth, axis, zero: write === signed }),
            wideLabelMargins,
          ),
  };
}

function familyOf(pair: StudyPair, { label, methods }: LineGroup): Family {
  const others = methods.filter((method) => method !== 'kd');
  return {
    label,
    series: methods.flatMap((method) => {
      const row = rowOf(pair, method);
      return row === undefined || row.curves.length === 0
        ? []
        : [
            {
              method,
              label: row.label,
              style: method === 'kd' ? kdStyle : styleAt(others.indexOf(method)),
              curves: row.curves,
            },
          ];
    }),
  };
}
