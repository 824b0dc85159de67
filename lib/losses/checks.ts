import * as tf from '@tensorflow/tfjs';
import { differentiable, savedTensor } from '../engine/tidy';
import { dataError, type LabError, modelError, optionError } from '../errors';

/** A tensor with the words for it in an error message. */
type NamedTensor = readonly [name: string, tensor: tf.Tensor];

/** `[8, 100]` */
export function shapeText(shape: readonly number[]): string {
  return `[${shape.join(', ')}]`;
}

/**
 * Two matrices that must have one shape, with at least one row and one column.
 *
 * @throws LabError that quotes both shapes.
 */
export function requireSameMatrix(loss: string, first: NamedTensor, second: NamedTensor): void {
  requireMatrix(loss, first);
  if (sameShape(first, second)) return;
  throw shapeFault(
    loss,
    `${first[0]} and ${second[0]} must have one shape`,
    [first, second],
    'A student whose embedding has another size than the teacher needs an embedding adapter; logits need the same classes',
  );
}

/**
 * Two matrices of as many rows, whose columns may differ in number.
 *
 * @throws LabError that quotes both shapes.
 */
export function requireRows(loss: string, first: NamedTensor, second: NamedTensor): void {
  requireMatrix(loss, first);
  requireMatrix(loss, second);
  if (first[1].shape[0] === second[1].shape[0]) return;
  const what = `${first[0]} and ${second[0]} must be of one batch`;
  throw shapeFault(loss, what, [first, second], 'Give as many rows of both');
}

/**
 * Two feature maps `[batch, height, width, channels]` that must have one shape, none of its sides 0.
 *
 * @throws LabError that quotes both shapes.
 */
export function requireSameFeatures(loss: string, first: NamedTensor, second: NamedTensor): void {
  const { shape } = first[1];
  if (shape.length === 4 && isFilled(first[1]) && sameShape(first, second)) return;
  throw shapeFault(
    loss,
    `${first[0]} and ${second[0]} must be features of one shape`,
    [first, second],
    'Give [batch, height, width, channels], the student’s brought to the teacher’s shape by a trained layer',
  );
}

/**
 * One value a row of `matrix`: a vector `[batch]`.
 *
 * @throws LabError that quotes both shapes.
 */
export function requireOnePerRow(loss: string, vector: NamedTensor, matrix: NamedTensor): void {
  requireMatrix(loss, matrix);
  const { shape } = vector[1];
  if (shape.length === 1 && shape[0] === matrix[1].shape[0]) return;
  const what = `${vector[0]} must hold one value a row of ${matrix[0]}`;
  throw shapeFault(loss, what, [vector, matrix], 'Give a vector as long as the batch');
}

/**
 * Labels: one int32 class index a row. Their range is not looked at here, since that would wait for
 * the device at every step; `requireLabelRange` does it where the labels are still on the host.
 *
 * @throws LabError that quotes both shapes, or the type that was given.
 */
export function requireLabels(loss: string, labels: tf.Tensor, matrix: NamedTensor): void {
  requireOnePerRow(loss, ['labels', labels], matrix);
  if (labels.dtype === 'int32') return;
  throw modelError`labels must be class indices (${loss}): found ${labels.dtype}. Make them with tf.tensor1d(labels, 'int32')`;
}

/**
 * Class means `[classes, dim]` for embeddings `[batch, dim]`.
 *
 * @throws LabError that quotes both shapes.
 */
export function requireClassMeans(
  loss: string,
  classMeans: tf.Tensor,
  embedding: NamedTensor,
): void {
  requireMatrix(loss, embedding);
  const [name, { shape }] = embedding;
  if (classMeans.rank === 2 && classMeans.shape[1] === shape[1] && isFilled(classMeans)) return;
  throw shapeFault(
    loss,
    `class means must have the size of ${name}`,
    [['class means', classMeans], embedding],
    'Make the class means with this teacher, and give a student of another size an embedding adapter',
  );
}

/**
 * A finite number above zero, such as a temperature.
 *
 * @throws LabError
 */
export function requirePositive(loss: string, option: string, value: number): void {
  if (Number.isFinite(value) && value > 0) return;
  throw optionFault(loss, option, value, 'a finite number above 0');
}

/**
 * A finite number, such as a weight.
 *
 * @throws LabError
 */
export function requireFinite(loss: string, option: string, value: number): void {
  if (Number.isFinite(value)) return;
  throw optionFault(loss, option, value, 'a finite number');
}

/**
 * Labels on the host: each must be a whole number in `[0, classes)`.
 *
 * @throws LabError with the first label that is not, and its place.
 */
export function requireLabelRange(labels: ArrayLike<number>, classes: number, where: string): void {
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i] ?? NaN;
    if (Number.isInteger(label) && label >= 0 && label < classes) continue;
    throw dataError`a label is not one of ${classes} classes (${where}): found ${label} at index ${i}. Labels must be whole numbers from 0 to ${classes - 1}; check that model, class means and data set have the same classes`;
  }
}

/**
 * A share from 0 to 1, such as the smoothing of labels.
 *
 * @throws LabError
 */
export function requireShare(loss: string, option: string, value: number): void {
  if (value >= 0 && value <= 1) return;
  throw optionFault(loss, option, value, 'a share from 0 to 1');
}

function requireMatrix(loss: string, matrix: NamedTensor): void {
  const [name, tensor] = matrix;
  if (tensor.shape.length === 2 && isFilled(tensor)) return;
  const what = `${name} must be a matrix with at least one row and one column`;
  throw shapeFault(loss, what, [matrix], 'Give [batch, size]; an empty batch has no mean');
}

function isFilled({ shape }: tf.Tensor): boolean {
  return shape.every((size) => size > 0);
}

function sameShape([, first]: NamedTensor, [, second]: NamedTensor): boolean {
  return first.shape.join() === second.shape.join();
}

function shapeFault(
  loss: string,
  what: string,
  tensors: readonly NamedTensor[],
  fix: string,
): LabError {
  const found = tensors.map(([name, { shape }]) => `${name} ${shapeText(shape)}`).join(', ');
  return modelError`${what} (${loss}): found ${found}. ${fix}`;
}

function optionFault(loss: string, option: string, value: number, wanted: string): LabError {
  return optionError`${option} must be ${wanted} (${loss}): found ${String(value)}. Give ${option} another value`;
}

/** A loss and its gradient with respect to the student's tensor, both written out. */
export interface ValueAndGradient {
  readonly value: tf.Scalar;
  /** In the shape of the student's tensor. */
  readonly gradient: tf.Tensor;
}

/**
 * A scalar loss of one student tensor whose gradient is known in closed form. Value and
 * gradient are computed together, once: a chain of taped operations would run several times as many
 * kernels, and on small tensors the number of kernels is the cost. Whatever else the loss reads is
 * held constant, so no gradient reaches the teacher, the class means or a previous norm.
 */
export function closedForm(student: tf.Tensor, evaluate: () => ValueAndGradient): tf.Scalar {
  const loss = differentiable([student], () => {
    const { value, gradient } = evaluate();
    return {
      value,
      saved: [gradient],
      backward: (upstream, saved) => [tf.mul(savedTensor(saved, 0), upstream)],
    };
  });
  // The tape hands back the very tensor that `evaluate` made, a scalar.
  return loss as tf.Scalar;
}
