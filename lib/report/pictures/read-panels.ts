import { existsSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readDetections } from '../../detection/coco/results-form';
import { fileError } from '../../errors';
import { runFiles } from '../../runs/paths';
import { detectorRuns } from '../../runs/store';
import type { DetectionPanel } from './detection-picture';

/** A panel whose detections come from a file, and what is known of the data that they are of. */
export interface ReadPanel extends DetectionPanel {
  readonly file: string;
  /** The data set's name where a run's folder was given: `shapes`, `coco`. */
  readonly dataset?: string;
}

/**
 * Reads detections named `NAME=PLACE` or `PLACE`: a file in COCO's results form, or the folder of a run
 * that holds one, which also gives the name where none is said.
 *
 * @throws LabError as `readDetections` does, and of kind `file` for a folder without detections.
 */
export function readPanel(given: string): ReadPanel {
  const named = /^([^=/\\]+)=(.+)$/su.exec(given);
  const place = named?.[2] ?? given;
  if (!existsSync(place) || !statSync(place).isDirectory()) {
    const title = named?.[1] ?? basename(place).replace(/\.json$/u, '');
    return { title, file: place, detections: readDetections(place) };
  }
  const file = join(place, runFiles.detections);
  if (!existsSync(file)) {
    throw fileError`a run’s folder has no detections (${place}): found no ${runFiles.detections}. Finish the run (detections are not committed: run its command again), or name a file in COCO’s results form`;
  }
  const config = existsSync(join(place, runFiles.config)) ? detectorRuns.readConfig(place) : null;
  return {
    title: named?.[1] ?? (config ? `${config.student}, ${config.method}` : basename(place)),
    file,
    detections: readDetections(file),
    ...(config ? { dataset: config.dataset } : {}),
  };
}
