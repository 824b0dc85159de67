import * as tf from '@tensorflow/tfjs';
import { boolAttribute, isNative, nativeOperation, typeAttribute } from '../engine/native';
import { differentiable } from '../engine/tidy';
import { modelError } from '../errors';
import { partOfStep } from './stopwatch';

/** A matrix of mostly zeros: entry k is `values[k]` at row `places[2k]`, column `places[2k + 1]`. */
interface SparseMatrix {
  readonly rows: number;
  readonly columns: number;
  readonly places: Int32Array;
  readonly values: Float32Array;
}

/**
 * matrix · dense, or matrixᵀ · dense when transposed; without gradient.
 *
 * @param dense [columns, n]; [rows, n] when transposed
 * @returns [rows, n]; [columns, n] when transposed
 */
export function sparseProduct(
  matrix: SparseMatrix,
  dense: tf.Tensor2D,
  { transposed = false }: { readonly transposed?: boolean } = {},
): tf.Tensor2D {
  const count = matrix.values.length;
  const outputs = transposed ? matrix.columns : matrix.rows;
  if (count === 0) return tf.zeros([outputs, dense.shape[1]]);
  return (isNative() ? nativeProduct : plainProduct)(matrix, dense, transposed);
}

function nativeProduct(
  { rows, columns, places, values }: SparseMatrix,
  dense: tf.Tensor2D,
  transposed: boolean,
): tf.Tensor2D {
  const shape = longIntegers([rows, columns]);
  try {
    return nativeOperation(
      'SparseTensorDenseMatMul',
      [
        typeAttribute('T', 'float32'),
        typeAttribute('Tindices', 'int32'),
        boolAttribute('adjoint_a', transposed),
        boolAttribute('adjoint_b', false),
      ],
      [tf.tensor2d(places, [values.length, 2], 'int32'), tf.tensor1d(values), shape, dense],
    ) as tf.Tensor2D;
  } finally {
    tf.backend().disposeData(shape.dataId);
  }
}

/** A vector of 64-bit integers: the kernel takes its shape as one, and tfjs' own tensors have no such type. */
function longIntegers(values: readonly number[]): tf.TensorInfo {
  const halves = Int32Array.from(values.flatMap((value) => [value, 0]));
  const shape = [values.length];
  // The binding knows the type by this name; TensorFlow.js' list of types does not hold it.
  const dataId = tf.backend().write(halves, shape, 'int64' as unknown as tf.DataType);
  return { dataId, shape, dtype: 'int32' };
}

function plainProduct(
  { rows, columns, places, values }: SparseMatrix,
  dense: tf.Tensor2D,
  transposed: boolean,
): tf.Tensor2D {
  const width = dense.shape[1];
  const source = dense.dataSync<'float32'>();
  const result = new Float32Array((transposed ? columns : rows) * width);
  values.forEach((value, k) => {
    const row = places[2 * k] ?? 0;
    const column = places[2 * k + 1] ?? 0;
    const from = (transposed ? row : column) * width;
    const to = (transposed ? column : row) * width;
    for (let j = 0; j < width; j++) {
      result[to + j] = (result[to + j] ?? 0) + value * (source[from + j] ?? 0);
    }
  });
  return tf.tensor2d(result, [transposed ? columns : rows, width]);
}

/** Regions of images: box i is `boxes[4i … 4i + 3]` = x1 y1 x2 y2 in the pixels of image `images[i]`. */
export interface Regions {
  readonly boxes: Float32Array;
  readonly images: Int32Array;
}

interface RoiAlignOptions {
  /** Cells of the result on each side. */
  readonly size: number;
  /** Samples on each side of a cell; 0: as many as a cell is wide, rounded up. */
  readonly samplingRatio: number;
}

/** Features of a batch at one resolution, and what a pixel is in their cells (1 / stride). */
interface FeatureLevel {
  readonly features: tf.Tensor4D;
  readonly scale: number;
}

/**
 * RoIAlign (He et al., arXiv 1703.06870) with the half-pixel correction (`aligned=True` in torchvision
 * and detectron2): each of size × size cells of a box is the mean of bilinear samples at regular places
 * in it. A sample more than one cell outside the features counts 0.
 *
 * Sampling is linear in the features: it is one product with a sparse matrix a level, and its gradient
 * the product with the transposed matrix.
 *
 * @param levels features [batch, height, width, channels], finest first
 * @param assigned for each region, which of the levels it is taken from
 * @returns [regions, size · size, channels], cells row by row
 * @throws LabError of kind `model` for a region of a level that is not given
 */
export function roiAlign(
  levels: readonly FeatureLevel[],
  regions: Regions,
  assigned: Int32Array,
  options: RoiAlignOptions,
): tf.Tensor3D {
  return partOfStep('RoIAlign', () => sampled(levels, regions, assigned, options));
}

function sampled(
  levels: readonly FeatureLevel[],
  regions: Regions,
  assigned: Int32Array,
  options: RoiAlignOptions,
): tf.Tensor3D {
  const cells = options.size ** 2;
  const channels = levels[0]?.features.shape[3] ?? 0;
  const grouped = levels.map((_, level) => placesOf(assigned, level));
  const matrices = levels.map((level, index) =>
    samplingMatrix(level, regions, grouped[index] ?? [], options),
  );
  const concatenated = grouped.flat();
  if (concatenated.length < assigned.length) {
    throw modelError`a region is of a level that is not there (RoIAlign): found level ${assigned.find((level) => levels[level] === undefined)} of ${levels.length}, counted from 0. Give the features of each level that regions are of`;
  }
  const place = new Int32Array(concatenated.length);
  concatenated.forEach((region, at) => (place[region] = at));
  const output = differentiable(
    levels.map(({ features }) => features),
    () => {
      const parts = matrices.map((matrix, index) =>
        sparseProduct(matrix, asRows(featuresOf(levels, index))),
      );
      const rows = tf.reshape(tf.concat(parts, 0), [concatenated.length, cells, channels]);
      return {
        value: tf.gather(rows, place),
        saved: [],
        backward: (gradient) =>
          partOfStep('RoIAlign, backward', () => {
            const sorted = tf.gather(gradient, Int32Array.from(concatenated));
            const flat = tf.reshape(sorted, [concatenated.length * cells, channels]);
            const sizes = matrices.map(({ rows: count }) => count);
            const shares: tf.Tensor[] = tf.split(flat, sizes, 0);
            return matrices.map((matrix, index) =>
              tf.reshape(
                sparseProduct(matrix, (shares[index] ?? flat) as tf.Tensor2D, { transposed: true }),
                featuresOf(levels, index).shape,
              ),
            );
          }),
      };
    },
  );
  return output as tf.Tensor3D;
}

function featuresOf(levels: readonly FeatureLevel[], index: number): tf.Tensor4D {
  const level = levels[index];
  if (level === undefined) throw new Error(`no level ${index}`);
  return level.features;
}

function asRows(features: tf.Tensor4D): tf.Tensor2D {
  const [batch, height, width, channels] = features.shape;
  return tf.reshape(features, [batch * height * width, channels]);
}

function placesOf(assigned: Int32Array, level: number): number[] {
  return [...assigned.keys()].filter((region) => assigned[region] === level);
}

/** The weights by which the cells of the chosen regions are sums over all cells of a level. */
function samplingMatrix(
  { features, scale }: FeatureLevel,
  { boxes, images }: Regions,
  chosen: readonly number[],
  { size, samplingRatio }: RoiAlignOptions,
): SparseMatrix {
  const [batch, height, width] = features.shape;
  const sampled = chosen.map((region) => {
    const at = 4 * region;
    const along = (first: number, last: number, length: number): AxisWeights[] =>
      axisWeights(first * scale - 0.5, (last - first) * scale, { size, samplingRatio, length });
    return {
      firstLine: (images[region] ?? 0) * height,
      down: along(boxes[at + 1] ?? 0, boxes[at + 3] ?? 0, height),
      across: along(boxes[at] ?? 0, boxes[at + 2] ?? 0, width),
    };
  });
  const entries = sampled.reduce(
    (sum, { down, across }) => sum + weightCount(down) * weightCount(across),
    0,
  );
  const indices = new Int32Array(2 * entries);
  const values = new Float32Array(entries);
  let row = 0;
  let entry = 0;
  for (const { firstLine, down, across } of sampled) {
    for (const rows of down) {
      for (const columns of across) {
        rows.weights.forEach((vertical, y) => {
          const column = (firstLine + rows.first + y) * width + columns.first;
          columns.weights.forEach((horizontal, x) => {
            indices[2 * entry] = row;
            indices[2 * entry + 1] = column + x;
            values[entry] = vertical * horizontal;
            entry++;
          });
        });
        row++;
      }
    }
  }
  return { rows: row, columns: batch * height * width, places: indices, values };
}

function weightCount(cells: readonly AxisWeights[]): number {
  return cells.reduce((sum, { weights }) => sum + weights.length, 0);
}

/** Weights of neighbouring positions, from `first` on. */
interface AxisWeights {
  readonly first: number;
  readonly weights: readonly number[];
}

/** Bilinear sampling is separable: along one axis, each cell of the result is a weighted sum of positions. */
function axisWeights(
  start: number,
  extent: number,
  { size, samplingRatio, length }: { size: number; samplingRatio: number; length: number },
): AxisWeights[] {
  const cell = extent / size;
  const samples = samplingRatio > 0 ? samplingRatio : Math.ceil(cell);
  return Array.from({ length: size }, (_, index) => {
    const sums = new Map<number, number>();
    const add = (position: number, weight: number): void => {
      if (weight !== 0) sums.set(position, (sums.get(position) ?? 0) + weight / samples);
    };
    for (let sample = 0; sample < samples; sample++) {
      const exact = start + (index + (sample + 0.5) / samples) * cell;
      if (exact < -1 || exact > length) continue;
      const inside = Math.min(Math.max(exact, 0), length - 1);
      const low = Math.floor(inside);
      add(low, 1 - (inside - low));
      add(low + 1, inside - low);
    }
    const first = Math.min(...sums.keys());
    if (sums.size === 0) return { first: 0, weights: [] };
    const last = Math.max(...sums.keys());
    return {
      first,
      weights: Array.from({ length: last - first + 1 }, (_, i) => sums.get(first + i) ?? 0),
    };
  });
}
