import { existsSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { readClassMeans } from '../distill/class-means';
import { readReleasedRows } from '../distill/released-class-means';
import type { Run } from './store';
import { classMeansFile } from './classification-teacher';

/** How long a network's features are, by one way of measuring it. */
export interface FeatureNorms {
  readonly model: string;
  /**
   * `test features`: the mean of ‖f‖ over the test images. `class means`: the mean of ‖c_k‖ over the
   * classes, which is at most that of ‖f‖ over the training images.
   */
  readonly of: 'test features' | 'class means';
  /** Where it was measured: a run as `resnet20 teacher, seed 0`, or a file's name. */
  readonly source: string;
  readonly mean: number;
  /** Over the classes; null for test features. */
  readonly lowest: number | null;
  readonly highest: number | null;
  /** How many numbers a feature has; null where the run does not say. */
  readonly dimension: number | null;
  /** Of the network; null where the source does not say. */
  readonly parameters: number | null;
  /** Percent on the test images; null where the source does not say. */
  readonly top1: number | null;
}

/**
 * Feature norms of the networks that were trained in these runs, after their last epoch, each followed
 * by its class means where the run has made them; runs without an epoch are left out. Smaller networks
 * come first.
 *
 * @throws LabError of kind `file` for a broken file of class means.
 */
export function featureNormsOfRuns(runs: readonly Run[]): FeatureNorms[] {
  return runs
    .flatMap(({ config, metrics, provenance, directory }): FeatureNorms[] => {
      const last = metrics.at(-1);
      if (last === undefined) return [];
      const { student, pair, method, seed } = config;
      const about = { parameters: provenance?.parameters ?? null, top1: last.testTop1 };
      const source = `${pair} ${method}, seed ${seed}`;
      const file = classMeansFile(directory);
      return [
        {
          model: student,
          of: 'test features',
          source,
          mean: last.studentNorm,
          lowest: null,
          highest: null,
          dimension: null,
          ...about,
        },
        ...(existsSync(file)
          ? [{ ...featureNormsOfClassMeans(file, student), ...about, source }]
          : []),
      ];
    })
    .sort((a, b) => (a.parameters ?? Infinity) - (b.parameters ?? Infinity));
}

/**
 * The norms of class means in a file: one of this package (`.safetensors`), or one as the paper's authors
 * publish them, JSON of the form `{"0": [0.81, …], "1": […], …}` with a list of numbers for each class.
 *
 * @param model what the row is called; the file's name without its ending unless given
 * @throws LabError of kind `file` for a file that is missing, broken or of another form.
 */
export function featureNormsOfClassMeans(
  file: string,
  model = basename(file, extname(file)),
): FeatureNorms {
  const rows = extname(file) === '.json' ? readReleasedRows(file) : ownRows(file);
  const norms = rows.map((row) => Math.hypot(...row));
  return {
    model,
    of: 'class means',
    source: basename(file),
    mean: norms.reduce((sum, norm) => sum + norm, 0) / norms.length,
    lowest: Math.min(...norms),
    highest: Math.max(...norms),
    dimension: rows[0]?.length ?? 0,
    parameters: null,
    top1: null,
  };
}

function ownRows(file: string): number[][] {
  const { means, classes, dimension } = readClassMeans(file);
  return Array.from({ length: classes }, (_, label) => [
    ...means.subarray(label * dimension, (label + 1) * dimension),
  ]);
}
