import type { TopLevelSpec } from 'vega-lite';
import type { CsvRecord } from './csv';
import type { RunEntry } from './run-entries';

/** A cell of a table: its text, and smaller lines below it. */
export interface Cell {
  readonly text: string;
  /** The same where there is little room, as in a terminal. */
  readonly short?: string;
  readonly below?: readonly string[];
  /** Set for a verdict: how it is coloured. */
  readonly tone?: Tone;
  /** Why, for who points at it on a page. */
  readonly tip?: string;
}

export type Tone = 'good' | 'bad' | 'open';

/** A row of a table, a cell a column. */
export interface TableRow {
  readonly cells: readonly (string | Cell)[];
  /** Whether it stands out. */
  readonly strong?: boolean;
  /** Whether it says nothing yet. */
  readonly idle?: boolean;
}

export interface TableBlock {
  readonly kind: 'table';
  /** Left out where the heading above says it all. */
  readonly caption?: string;
  readonly head: readonly string[];
  /** Columns that a terminal has no room for. */
  readonly wide?: ReadonlySet<string>;
  /** Whether the lines of its cells stand below each other in Markdown too. */
  readonly stacked?: boolean;
  readonly rows: readonly TableRow[];
}

/** How a line is drawn: its colour and its dashes, so that neither alone must be told apart. */
export interface LineStyle {
  readonly color: string;
  readonly dash: readonly number[];
}

/** An entry of a legend, with a sample of 34 by 14 pixels as SVG. */
export interface LegendEntry {
  readonly label: string;
  readonly sample: string;
}

/** A plot to be drawn. */
export interface Drawing {
  readonly title: string;
  /** What it shows, for those who do not see it. */
  readonly says: string;
  /** Null where there is nothing to show. */
  readonly spec: TopLevelSpec | null;
}

/** A drawn plot. */
export interface Figure {
  readonly title: string;
  readonly label: string;
  readonly svg: string;
}

/** Plots that stand beside each other and share a legend. */
export interface PlotsBlock<Plot = Drawing> {
  readonly kind: 'plots';
  /** Of a picture: what it shows, in a sentence with its numbers. */
  readonly title: string;
  /** What the plots of a picture have in common. */
  readonly note?: string;
  readonly legend: readonly LegendEntry[];
  readonly plots: readonly Plot[];
  /** Of a picture that is a file as well: its name without `.svg`, below the results directory. */
  readonly file?: string;
}

/** Images with what was found in them. */
export interface PicturesBlock {
  readonly kind: 'pictures';
  readonly title: string;
  readonly pictures: readonly Picture[];
}

export interface Picture {
  readonly title: string;
  /** What it shows, for those who do not see it. */
  readonly label: string;
  /** With the image itself inside: `data:image/jpeg;base64,…`. */
  readonly source: string;
  /** In pixels. */
  readonly width: number;
  readonly height: number;
}

interface HeadingBlock {
  readonly kind: 'heading';
  readonly text: string;
}

interface TextBlock {
  readonly kind: 'text';
  readonly text: string;
  /** Whether it stands out. */
  readonly strong?: boolean;
  /** Whether a terminal has no room for it. */
  readonly wide?: boolean;
}

export interface ListBlock {
  readonly kind: 'list';
  readonly items: readonly string[];
  /** Whether a terminal has no room for it. */
  readonly wide?: boolean;
}

/** A piece of a document, in the order in which it is read. */
export type Block<Plot = Drawing> =
  HeadingBlock | TextBlock | ListBlock | TableBlock | PlotsBlock<Plot> | PicturesBlock;

/** The runs of one setting. */
export interface DocumentPart<Plot = Drawing> {
  readonly title: string;
  readonly environment: string;
  /** What can be compared with the paper and what cannot; the first weighs most. */
  readonly sentences: readonly string[];
  readonly blocks: readonly Block<Plot>[];
  readonly runs: readonly RunEntry[];
  readonly dataHash: string | null;
}

/** The tables and studies, in the order in which they stand in a report. */
export const documentNames = [
  'table1',
  'norm',
  'direction',
  'ablation',
  'teachers',
  'table2',
  'table3',
] as const;
export type DocumentName = (typeof documentNames)[number];

/** A table or a study as it is shown, whatever the form: each writer walks this and nothing else. */
export interface ReportDocument<Plot = Drawing> {
  readonly name: DocumentName;
  readonly title: string;
  /** What it asks, or shows. */
  readonly asks: string;
  /** The whole in a few figures: terms and what they come to. */
  readonly overview: readonly (readonly [string, string])[];
  readonly parts: readonly DocumentPart<Plot>[];
  /** How to read it. */
  readonly reading: readonly string[];
  /** The same in a sentence or two, below the tables in a terminal. */
  readonly briefly: readonly string[];
  /** Where the paper's claims and numbers come from. */
  readonly sources: readonly string[];
  /** A line of CSV each: all digits, null where there is no number. */
  readonly records: readonly CsvRecord[];
}

/** A document whose plots are drawn. */
export type DrawnDocument = ReportDocument<Figure>;

/** A table or a study, computed from runs. */
export interface Evidence {
  readonly document: ReportDocument;
  /** The model that the document was built from, as plain data. */
  readonly json: unknown;
}
