import * as tf from '@tensorflow/tfjs';
import { boolAttribute, isNative, nativeOperation, typeAttribute } from '../../engine/native';

/** A matrix of mostly zeros: entry k is `values[k]` at row `places[2k]`, column `places[2k + 1]`. */
export interface SparseMatrix {
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
  return isNative()
    ? nativeProduct(matrix, dense, transposed)
    : plainProduct(matrix, dense, transposed);
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
