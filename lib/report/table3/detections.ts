import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { mean } from 'simple-statistics';
import type { CocoDataset } from '../../detection/coco/data';
import { shapesData } from '../../detection/coco/detection-data';
import { readDetections } from '../../detection/coco/results-form';
import { runFiles } from '../../runs/paths';
import type { DetectionEvaluation } from '../../runs/schema';
import type { DetectionRun } from '../../runs/store';
import type { Block, LineStyle, PicturesBlock, TableBlock } from '../document';
import { none } from '../numbers';
import { drawDetections } from '../pictures/detection-picture';
import { type PrecisionRecallLine, precisionRecallPanel } from '../plots/precision-recall';
import {
  alone,
  aloneStyle,
  kdStyle,
  linesLegend,
  plotMargins,
  plotSize,
  styleAt,
  teacherStyle,
} from '../plots/style';
import { labelOf } from './model';

/** Rows of a table: the rest of a large data set's categories is told in the caption. */
const most = 80;

/** A detector's evaluation under the name that its table gives it. */
interface NamedEvaluation {
  /** `teacher`, `student`, `kd++`. */
  readonly method: string;
  readonly label: string;
  readonly evaluation: DetectionEvaluation;
}

/**
 * AP of each category with an object to find, in percent, one column a detector; the most frequent
 * category first.
 */
function categoryTable(pair: string, detectors: readonly NamedEvaluation[]): TableBlock {
  const present = (detectors[0]?.evaluation.byCategory ?? [])
    .filter(({ objects }) => objects > 0)
    .sort((a, b) => b.objects - a.objects || a.id - b.id);
  const shown = present.slice(0, most);
  const left = present.length - shown.length;
  return {
    kind: 'table',
    caption: `AP by category on ${pair}, percent${left === 0 ? '' : ` (${String(left)} rarer categories left out)`}`,
    head: ['category', 'objects', ...detectors.map(({ label }) => label)],
    rows: shown.map(({ id, name, objects }) => ({
      cells: [
        name,
        String(objects),
        ...detectors.map(({ evaluation }) => {
          const AP = evaluation.byCategory.find((row) => row.id === id)?.AP ?? -1;
          return AP < 0 ? none : (100 * AP).toFixed(1);
        }),
      ],
    })),
  };
}

/** Methods that look the same in every plot. */
const known: Readonly<Record<string, LineStyle>> = {
  teacher: teacherStyle,
  student: aloneStyle,
  kd: kdStyle,
};

/**
 * The precision–recall curves of detectors that were judged on the same images, one plot an overlap;
 * nothing where none has a curve.
 *
 * @param pair for those who do not see the plots
 */
function curvesBlocks(pair: string, detectors: readonly NamedEvaluation[]): Block[] {
  const others = detectors.filter(({ method }) => !(method in known));
  const lines = (overlap: '0.50' | '0.75'): PrecisionRecallLine[] =>
    detectors.flatMap(({ method, label, evaluation }) => {
      const precision = evaluation.curves[overlap];
      const style = known[method] ?? styleAt(others.findIndex((other) => other.method === method));
      return precision.length === 0 ? [] : [{ label, style, precision }];
    });
  const legend = linesLegend(lines('0.50'));
  if (legend.length === 0) return [];
  const plots = (['0.50', '0.75'] as const).map((overlap) => ({
    title: `At an overlap of ${overlap}`,
    says: `${pair}, mean precision: ${lines(overlap)
      .map(({ label, precision }) => `${label} ${mean(Array.from(precision)).toFixed(3)}`)
      .join('; ')}`,
    spec: alone(precisionRecallPanel(lines(overlap), plotSize), plotMargins),
  }));
  return [{ kind: 'plots', title: 'Precision over recall, mean of the categories', legend, plots }];
}

/** So many images, and so many detectors beside the ground truth, fit into a page. */
const images = 3;
const mostPanels = 4;
const panelSide = 220;

/**
 * Images that the runs were judged on, with the ground truth and what one detector of each method found.
 * Only of drawn data: photographs are others' and do not belong into a report. Null where there are none,
 * or where no run has its detections.
 *
 * @param runs the teacher's first
 */
export async function picturesBlock(runs: readonly DetectionRun[]): Promise<PicturesBlock | null> {
  const dataset = drawnDataset(runs);
  const panels = oneOfEach(runs).flatMap(({ directory, config }) => {
    const file = join(directory, runFiles.detections);
    const title = labelOf(config.method);
    return existsSync(file) ? [{ title, detections: readDetections(file) }] : [];
  });
  if (dataset === null || panels.length === 0) return null;
  const pictures = [];
  const shown = panels.slice(0, mostPanels);
  for (const index of dataset.training.subarray(0, images)) {
    const id = dataset.entries[index]?.id ?? 0;
    const drawn = await drawDetections(dataset, id, shown, { panelSide, format: 'jpeg' });
    const { bytes, mime, width, height, description } = drawn;
    const source = `data:${mime};base64,${bytes.toString('base64')}`;
    pictures.push({ title: `Image ${String(id)}`, label: description, source, width, height });
  }
  return {
    kind: 'pictures',
    title: 'What they find: boxes with a score of at least 0.5',
    pictures,
  };
}

/** The images of runs on shapes, if they are still those that this program draws. */
function drawnDataset(runs: readonly DetectionRun[]): CocoDataset | null {
  if (runs.some(({ config }) => config.dataset !== 'shapes')) return null;
  const { evaluation } = shapesData();
  const isSame = runs.every(
    ({ config }) => config.recipe['evaluationDatasetHash'] === evaluation.hash,
  );
  return isSame ? evaluation : null;
}

/**
 * What the detectors of a pair find, beyond their AP: precision–recall curves and AP by category of one
 * run a method, the one with the smallest seed. Nothing where no run is finished.
 *
 * @param runs the teacher’s first
 */
export function detectionBlocks(pair: string, runs: readonly DetectionRun[]): Block[] {
  const detectors = oneOfEach(runs).flatMap(({ config, evaluation }): NamedEvaluation[] =>
    evaluation === null
      ? []
      : [{ method: config.method, label: labelOf(config.method), evaluation }],
  );
  if (detectors.length === 0) return [];
  return [...curvesBlocks(pair, detectors), categoryTable(pair, detectors)];
}

/** Of each method the finished run with the smallest seed, in the order given. */
function oneOfEach(runs: readonly DetectionRun[]): DetectionRun[] {
  const finished = runs.filter(({ evaluation }) => evaluation !== null);
  return [...new Set(finished.map(({ config }) => config.method))].flatMap((method) =>
    finished
      .filter(({ config }) => config.method === method)
      .sort((a, b) => a.config.seed - b.config.seed)
      .slice(0, 1),
  );
}
