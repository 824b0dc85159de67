import type { Block, DrawnDocument, Figure, LegendEntry, PlotsBlock, Sheet } from '../document';
import { escapeHtml } from './escape-html';

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

/** The plots of a document that belong on a sheet, with their titles and legends, as one picture. */
export function renderSheet({ title, parts }: DrawnDocument, { ending }: Sheet): string {
  const drawn = parts.flatMap((part) => {
    const plots = underHeadings(part.blocks, ending);
    return plots.length === 0 ? [] : [text(part.title, 16), ...plots];
  });
  const pieces = [
    text(title, 20),
    // An old plot must not stay beside a new table.
    ...(drawn.length > 0 ? drawn : [text('No finished runs to draw yet', 14, 400)]),
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

/** The plots of a sheet, each heading only where a plot stands under it. */
function underHeadings(blocks: readonly Block<Figure>[], sheet: string): Piece[] {
  let heading: Piece[] = [];
  return blocks.flatMap((block) => {
    if (block.kind === 'heading') heading = [text(block.text, 15)];
    if (block.kind !== 'plots' || (block.sheet ?? '') !== sheet) return [];
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
    text(title, 14),
    ...(legend.length === 0 ? [] : [legendPiece(legend)]),
    ...rows.map(rowPiece),
  ];
}

function text(words: string, size: number, weight = 600): Piece {
  return {
    svg: `<text y="${size}" font-size="${size}" font-weight="${weight}" fill="#222">${escapeHtml(words)}</text>`,
    height: size + gap,
  };
}

function legendPiece(legend: readonly LegendEntry[]): Piece {
  const entries = legend.map(({ label, sample }, index) => {
    const x = (index % columns) * columnWidth;
    const y = Math.floor(index / columns) * line;
    return `<g transform="translate(${x},${y})">${sample}<text x="42" y="11" font-size="12" fill="#222">${escapeHtml(label)}</text></g>`;
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
