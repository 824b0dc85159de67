import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CocoDataset } from '../../coco/data';
import { readDetections } from '../../coco/results-form';
import { shapesData } from '../../coco/detection-data';
import { runFiles } from '../../runs/paths';
import type { DetectionRun } from '../../runs/store';
import { drawDetections } from '../../pictures/detection-picture';
import type { PicturesBlock } from '../study/document';

/** A run under the name that its table gives it. */
export interface NamedRun {
  readonly label: string;
  readonly run: DetectionRun;
}

/** So many images, and so many detectors beside the ground truth, fit into a page. */
const images = 3;
const mostPanels = 4;
const panelSide = 220;

/**
 * Images that the runs were judged on, with the ground truth and what each detector found. Only of drawn
 * data: photographs are others' and do not belong into a report. Null where there are none, or where no
 * run has its detections.
 *
 * @param runs the teacher first
 */
export async function picturesBlock(runs: readonly NamedRun[]): Promise<PicturesBlock | null> {
  const dataset = drawnDataset(runs);
  const panels = runs.flatMap(({ label, run }) => {
    const file = join(run.directory, runFiles.detections);
    return existsSync(file) ? [{ title: label, detections: readDetections(file) }] : [];
  });
  if (dataset === null || panels.length === 0) return null;
  const pictures = [];
  for (const place of dataset.training.subarray(0, images)) {
    const id = dataset.entries[place]?.id ?? 0;
    const { bytes, mime, width, height, description } = await drawDetections(
      dataset,
      id,
      panels.slice(0, mostPanels),
      { panelSide, format: 'jpeg' },
    );
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
function drawnDataset(runs: readonly NamedRun[]): CocoDataset | null {
  if (runs.some(({ run }) => run.config.dataset !== 'shapes')) return null;
  const { evaluation } = shapesData();
  const isSame = runs.every(
    ({ run }) => run.config.recipe['evaluationDatasetHash'] === evaluation.hash,
  );
  return isSame ? evaluation : null;
}
