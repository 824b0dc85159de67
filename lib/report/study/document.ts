import type { LineStyle } from '../families';
import type { Drawing, Figure } from '../figures';
import type { MarkKind } from '../interval-panel';
import type { RunEntry } from '../report-runs';
import type { DocumentName } from './names';

/** A cell of a table: its text, and smaller lines below it. */
export interface Cell {
  readonly text: string;
  readonly below?: readonly string[];
  /** Set for a verdict: how it is coloured. */
  readonly tone?: 'good' | 'bad' | 'open';
}

/** A table of a study. */
export interface TableBlock {
  readonly kind: 'table';
  readonly caption: string;
  readonly head: readonly string[];
  /** Columns that a terminal has no room for. */
  readonly wide?: ReadonlySet<string>;
  readonly rows: readonly {
    readonly cells: readonly (string | Cell)[];
    /** Whether it stands out. */
    readonly strong?: boolean;
    /** Whether it says nothing yet. */
    readonly idle?: boolean;
  }[];
}

/** An entry of a legend. */
export interface LegendLine {
  readonly label: string;
  readonly style: LineStyle;
}

/** Plots that stand beside each other and share a legend. */
export interface PlotsBlock<Plot> {
  readonly kind: 'plots';
  readonly title: string;
  readonly legend: readonly LegendLine[];
  /** Of plots with intervals: what their marks are. */
  readonly marks?: ReadonlySet<MarkKind>;
  readonly plots: readonly Plot[];
}

/** Images with what was found in them. */
export interface PicturesBlock {
  readonly kind: 'pictures';
  readonly title: string;
  readonly pictures: readonly {
    readonly title: string;
    /** What it shows, for those who do not see it. */
    readonly label: string;
    /** With the image itself inside: `data:image/jpeg;base64,…`. */
    readonly source: string;
    /** In pixels. */
    readonly width: number;
    readonly height: number;
  }[];
}

interface TextBlock {
  readonly kind: 'heading' | 'text';
  readonly text: string;
}

interface ListBlock {
  readonly kind: 'list';
  readonly items: readonly string[];
}

/** A piece of a study, in the order in which it is read. */
export type Block<Plot = Drawing> =
  TextBlock | ListBlock | TableBlock | PlotsBlock<Plot> | PicturesBlock;

/** The runs of one setting. */
export interface StudyPart<Plot = Drawing> {
  readonly title: string;
  readonly environment: string;
  /** What can be compared with the paper and what cannot. */
  readonly sentences: readonly string[];
  readonly blocks: readonly Block<Plot>[];
  readonly runs: readonly RunEntry[];
  readonly dataHash: string | null;
}

/** A study as it is shown, whatever the form. */
export interface StudyDocument<Plot = Drawing> {
  readonly name: DocumentName;
  readonly title: string;
  /** What it asks. */
  readonly asks: string;
  readonly parts: readonly StudyPart<Plot>[];
  /** How to read it. */
  readonly reading: readonly string[];
  /** Where the paper's claims and numbers come from. */
  readonly sources: readonly string[];
}

/** A study whose plots are drawn. */
export type DrawnStudy = StudyDocument<Figure>;
