import { median } from 'simple-statistics';
import type { TopLevelSpec } from 'vega-lite';
import { textWidth } from '../report/pictures/font';
import {
  alone,
  ink,
  lineLooks,
  type NamedLine,
  palette,
  pictureWidth,
  pixelScale,
  softInk,
  styleAt,
} from '../report/plots/style';
import { betweenComments } from '../report/writers/markdown';
import { growsTooFast } from './growth-benchmark';
import type { RowLine } from './rows';
import {
  type BenchRecord,
  type MeasuredRow,
  type Ratio,
  ratioInWords,
  ratioOf,
  judgedTogether,
  verdictOf,
} from './rows-record';

/** The pictures of the page, from its folder. */
export const benchPictures = { rows: 'pictures/performance.svg', growth: 'pictures/growth.svg' };

/** A measured line under its section. */
interface Shown {
  readonly section: string;
  readonly line: RowLine;
  readonly ratio: Ratio | null;
}

const measuredRows = ({ rows }: BenchRecord): MeasuredRow[] =>
  Object.values(rows).flatMap((row) => (row.state === 'measured' ? [row] : []));

function shownOf(record: BenchRecord): Shown[] {
  const rows = measuredRows(record);
  const sections = [...new Set(rows.map(({ section }) => section))];
  return sections.flatMap((section) => {
    const lines = rows.filter((row) => row.section === section).flatMap((row) => row.lines);
    return judgedTogether(lines).map((line) => ({
      ...{ section, line },
      ratio: ratioOf(line),
    }));
  });
}

/** A page with the table between its two comments; null for a page without them. */
export function withBenchRows(page: string, record: BenchRecord): string | null {
  return betweenComments(page, 'bench:all', benchMarkdown(record));
}

function benchMarkdown(record: BenchRecord): string[] {
  const rows = measuredRows(record);
  if (rows.length === 0) return ['Nothing is measured yet.'];
  const shown = shownOf(record);
  const blocks = [conditionsOf(rows)];
  for (const section of new Set(shown.map((each) => each.section))) {
    const lines = shown.filter((each) => each.section === section);
    blocks.push(`**${section}**`, tableInMarkdown(head, lines.map(cellsOf)));
  }
  if (shown.some(isPlotted)) blocks.push(`![The ratios of the table](${benchPictures.rows})`);
  const growth = rows.flatMap((row) => row.growth ?? []);
  if (growth.length > 0) {
    blocks.push('**How cost grows**', tableInMarkdown(growthHead, growth.map(growthCells)));
    blocks.push(`![Time of each over its size](${benchPictures.growth})`);
  }
  const failed = Object.entries(record.rows).flatMap(([name, row]) =>
    row.state === 'failed' ? [`- ${name}: ${row.error}`] : [],
  );
  if (failed.length > 0) blocks.push('Not measured:', failed.join('\n'));
  return blocks;
}

const head = ['', 'here', 'beside', 'ratio', 'aim', ''];
const growthHead = ['', 'over', 'sizes', 'ms', 'MiB of tensors', 'grows with power', 'may'];

/** Where and how the rows were measured, in one paragraph. */
function conditionsOf(rows: readonly MeasuredRow[]): string {
  const all = (of: (row: MeasuredRow) => string | null | undefined): string =>
    [...new Set(rows.flatMap((row) => of(row) ?? []))].join(', ');
  const most = (of: (row: MeasuredRow) => number): number => Math.max(...rows.map(of));
  const named = rows.flatMap(({ version = '' }) =>
    version.replace(/^\d/, 'PyTorch $&').split(', '),
  );
  const versions = [...new Set(named)].filter((words) => words !== '').join(', ');
  return [
    `Rendered by \`npm run bench:all\`: ${all(({ processor }) => processor)}; revision ${all(({ revision }) => revision?.slice(0, 7))}; ${all(({ date }) => date)}.`,
    versions === '' ? 'Without PyTorch.' : `Beside: ${versions}.`,
    `Before each row others used at most ${most(({ busy }) => busy).toFixed(2)} of the processors, and equal work varied by at most ${(100 * most(({ spread }) => spread)).toFixed(0)} %.`,
    'Medians of rounds in turn; of their ratios the median and the range. Below 1 this package is faster; a range that spans 1 tells nothing.',
  ].join(' ');
}

function cellsOf({ line, ratio }: Shown): string[] {
  const { label, ms, beside, besideMs, aim } = line;
  const here = timeInWords(median([...ms]));
  if (ratio === null) return [label, here, '', '', '', ''];
  const told = verdictOf(ratio, line);
  const reached = aim === null ? '' : ratio.median <= aim ? 'reached' : 'not reached';
  return [
    label,
    here,
    `${beside ?? ''}: ${timeInWords(median([...besideMs]))}`,
    ratioInWords(ratio, line.share ? 3 : 2),
    aim === null ? '' : `≤ ${aim}`,
    [told, reached].filter((word) => word !== '').join(', '),
  ];
}

function timeInWords(ms: number): string {
  if (ms >= 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms.toFixed(ms < 1 ? 3 : ms < 10 ? 2 : 0)} ms`;
}

type GrowthOfRow = NonNullable<MeasuredRow['growth']>[number];

function growthCells({ what, over, points, power, allowed }: GrowthOfRow): string[] {
  const list = (of: (point: GrowthOfRow['points'][number]) => string): string =>
    points.map(of).join(', ');
  const { time, memory } = { time: power.time ?? NaN, memory: power.memory ?? NaN };
  const fast = growsTooFast({ allowed, power: { time, memory } }) ? ' **too fast**' : '';
  return [
    ...[what, over, list(({ size }) => size.toLocaleString('en')).replaceAll(', ', '; ')],
    list(({ ms }) => ms.toFixed(ms < 10 ? 1 : 0)),
    list(({ mebibytes }) => mebibytes.toFixed(mebibytes < 10 ? 1 : 0)),
    `${time.toFixed(2)} (memory ${memory.toFixed(2)})${fast}`,
    String(allowed),
  ];
}

function tableInMarkdown(columns: readonly string[], rows: readonly string[][]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

/** Whether a line is in the picture: a speed beside another. */
function isPlotted({ line, ratio }: Shown): boolean {
  return ratio !== null && line.share !== true;
}

const rowHeight = 22;
const nameLook = { size: 12 };
const headLook = { size: 12, isBold: true };
/** Ends of the picture's axis where no ratio lies beyond them. */
const leastAxis = [0.4, 1.25] as const;

/** Each ratio as a dot with its range, on one axis with a line at 1 and a mark at its aim; null without any. */
export function rowsPicture(record: BenchRecord): TopLevelSpec | null {
  const shown = shownOf(record).filter(isPlotted);
  if (shown.length === 0) return null;
  let y = 0;
  let section = '';
  const heads: { readonly section: string; readonly y: number }[] = [];
  const placed = shown.map(({ line, ratio, ...each }) => {
    if (each.section !== section) {
      ({ section } = each);
      heads.push({ section, y: y + rowHeight * 0.6 });
      y += rowHeight;
    }
    y += rowHeight;
    const { median: middle, low, high } = ratio ?? { median: NaN, low: NaN, high: NaN };
    const isTwice = shown.filter((other) => other.line.label === line.label).length > 1;
    const name = isTwice ? `${line.label}, of ${line.beside ?? ''}` : line.label;
    const color =
      low <= 1 && high >= 1 ? palette.grey : high < 1 ? palette.blue : palette.vermilion;
    return { name, middle, low, high, color, aim: line.aim, y: y - rowHeight / 2 };
  });
  const widths = [
    ...placed.map(({ name }) => textWidth(name, nameLook)),
    ...heads.map(({ section: head }) => textWidth(head, headLook)),
  ];
  const left = Math.ceil(Math.max(...widths)) + 16;
  const width = Math.max(200, pictureWidth + 160 - left);
  const ends = placed.flatMap(({ low, high, aim }) => [low, high, aim ?? 1]);
  const domain = [Math.min(leastAxis[0], ...ends) / 1.05, Math.max(leastAxis[1], ...ends) * 1.05];
  const x = {
    type: 'quantitative' as const,
    scale: { type: 'log' as const, domain, nice: false },
    axis: {
      title: ['time, divided by the other’s', 'dot: median, bar: range, green: the aim'],
      values: [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 5],
      labelExpr: 'datum.value',
    },
  };
  const at = pixelScale('y', y);
  const coloured = { field: 'color', type: 'nominal', scale: null } as const;
  const text = { type: 'text', align: 'left', baseline: 'middle', fontSize: 12 } as const;
  return alone(
    {
      width,
      height: y,
      layer: [
        {
          data: { values: [{ one: 1 }] },
          mark: { type: 'rule', color: palette.grey, strokeWidth: 1.5 },
          encoding: { x: { field: 'one', ...x } },
        },
        {
          data: { values: placed.filter(({ aim }) => aim !== null) },
          mark: {
            type: 'point',
            filled: true,
            opacity: 1,
            shape: 'M-0.15,-1H0.15V1H-0.15Z',
            size: 120,
            color: palette.green,
          },
          encoding: { x: { field: 'aim', ...x }, y: at },
        },
        {
          data: { values: placed },
          mark: { type: 'rule', strokeWidth: 3 },
          encoding: { x: { field: 'low', ...x }, x2: { field: 'high' }, y: at, color: coloured },
        },
        {
          data: { values: placed },
          mark: { type: 'point', filled: true, opacity: 1, size: 60 },
          encoding: { x: { field: 'middle', ...x }, y: at, color: coloured },
        },
        {
          data: { values: placed },
          mark: { ...text, color: softInk },
          encoding: { x: { value: 8 - left }, y: at, text: { field: 'name' } },
        },
        {
          data: { values: heads },
          mark: { ...text, color: ink, fontWeight: 600 },
          encoding: { x: { value: 8 - left }, y: at, text: { field: 'section' } },
        },
      ],
    },
    { left, right: 16, top: 8, bottom: 62 },
  );
}

/** Time over size, both relative to the first, with a line in proportion; null where growth was not measured. */
export function growthPicture(record: BenchRecord): TopLevelSpec | null {
  const growth = measuredRows(record).flatMap((row) => row.growth ?? []);
  if (growth.length === 0) return null;
  const inProportion: NamedLine = {
    label: 'in proportion',
    style: { color: softInk, dash: [1, 5] },
  };
  const lines = growth.map(({ what, over }, index): NamedLine => {
    const { color } = styleAt(index);
    return {
      label: `${what}, over ${over}`,
      style: { color, dash: [1 + (index % 3) * 3, index % 3] },
    };
  });
  const values = growth.flatMap(({ points }, index) =>
    points.map(({ size, ms }) => ({
      label: lines[index]?.label,
      size: size / (points[0]?.size ?? 1),
      time: ms / (points[0]?.ms ?? 1),
    })),
  );
  const most = Math.max(...values.map(({ size }) => size));
  const through = [1, most].map((size) => ({ label: inProportion.label, size, time: size }));
  const axis = (title: string): object => ({
    type: 'quantitative',
    scale: { type: 'log' },
    axis: { title, tickCount: 4, format: '~g' },
  });
  return {
    ...alone(
      {
        width: pictureWidth - 95,
        height: 300,
        data: { values: [...values, ...through] },
        layer: [
          {
            mark: { type: 'line', strokeWidth: 2.5, point: true },
            encoding: {
              x: { field: 'size', ...axis('size, of the smallest') },
              y: { field: 'time', ...axis('time, of that of the smallest') },
              ...lineLooks([...lines, inProportion], {
                orient: 'bottom',
                columns: 1,
                labelLimit: 460,
                symbolType: 'stroke',
                symbolSize: 400,
              }),
            },
          },
        ],
      },
      { left: 75, right: 20, top: 10, bottom: 60 + 22 * (lines.length + 1) },
    ),
  };
}
