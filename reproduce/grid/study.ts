import type { Command } from 'commander';
import type { Scale } from '../../lib/results/schema';
import type { Pair } from '../../lib/study/grid';
import type { GridOptions } from './command';
import type { GridScope } from './scope';

/** What a view of the grid runs at a scale unless the options say otherwise. */
export interface ScaleDefaults {
  /** As `--pairs` takes them. */
  readonly pairs: string;
  /** As `--methods` takes them; every row unless given. */
  readonly methods?: string;
  /** As `--seeds` takes them. */
  readonly seeds: string;
}

/** What is to be rendered, and from where. */
export interface RenderRequest {
  readonly resultsRoot: string;
  /** The folder of runs that was asked for. */
  readonly study: string;
  /** All folders of runs: a page of results has a section for each. */
  readonly all: readonly string[];
  readonly options: GridOptions;
}

/** What a renderer wrote. */
export interface Rendered {
  readonly files: readonly string[];
  /** For the terminal. */
  readonly terminal: string;
  /** The same as plain data. */
  readonly json: unknown;
}

/**
 * A table or study as a view of the one grid of runs: which of its cells the command trains, and how
 * what was measured is shown. Views of one scale and data set share their runs, so that a method that
 * two of them show is trained once.
 */
export interface GridStudy {
  /** The npm script, as help and records name it: `reproduce:table1`. */
  readonly script: string;
  readonly description: string;
  readonly defaults: Readonly<Record<Scale, ScaleDefaults>>;
  /** What `--help` says of them. */
  readonly help: {
    readonly scales: string;
    readonly pairs: string;
    readonly methods: string;
    /** Of `--data` and `--teachers`, where they are not table 1's. */
    readonly data?: string;
    readonly teachers?: string;
    /** Below the options. */
    readonly after: string;
  };
  /** What `--methods` takes besides `teacher`, in the table's order. */
  methods(): readonly string[];
  /** What the user should know of a choice, a line each. */
  notes(pairs: readonly Pair[], methods: readonly string[]): readonly string[];
  /** Whether a student alone is trained once for all its teachers. */
  readonly aloneOnce?: boolean;
  /** Its data, recipes and teachers; those of table 1 unless given. */
  readonly scope?: GridScope;
  /** Options of its own. */
  readonly addOptions?: (command: Command) => Command;
  /** Pairs as its own options name them; undefined where these say nothing. */
  readonly pairsOf?: (options: GridOptions, defaults: ScaleDefaults) => string | undefined;
  render(request: RenderRequest): Promise<Rendered>;
}
