import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { crossEntropyLoss } from '../losses';
import type { Model } from '../nn/model';
import type { StateDict } from '../nn/state';
import { lossAndGradients } from '../train/gradients';
import type { CaseOutcome } from './checker';
import { euclideanNorm } from './compare';
import { channelsLast, type ImageShape } from './images';
import { compareStages, disturb, type Disturbance, type Stage } from './sensitivity';

/** Share by which a loss, a gradient's norm or a running statistic may differ in float32. */
const tolerance = 1e-4;
/** In deep networks, where a ReLU that opens by rounding moves all gradients before it. */
const largestAllowance = 1e-2;

/** Forward and back once in training mode: loss, norm of each gradient, running statistics after. */
export const trainingForm = z.object({
  loss: z.number(),
  gradNorms: z.record(z.string(), z.number()),
  running: z.record(z.string(), z.number()),
});
type TrainingEntry = z.infer<typeof trainingForm>;

/** What the step is computed from. */
export interface TrainingInputs {
  readonly weights: StateDict;
  readonly labels: readonly number[];
  /** In PyTorch's order of axes. */
  readonly input: Float32Array;
  readonly inputShape: ImageShape;
}

/** What one step measured, by the names of the state dict. */
interface TrainingStep {
  readonly loss: number;
  readonly gradients: ReadonlyMap<string, number>;
  readonly statistics: ReadonlyMap<string, number>;
}

/** Compares one training step of a model, whose weights it changes. */
export function checkTraining(
  model: Model,
  entry: TrainingEntry,
  inputs: TrainingInputs,
): CaseOutcome {
  const expected = stagesOf({
    loss: entry.loss,
    gradients: new Map(Object.entries(entry.gradNorms)),
    statistics: new Map(Object.entries(entry.running)),
  });
  const names = { gradients: Object.keys(entry.gradNorms), statistics: Object.keys(entry.running) };
  return compareStages(
    expected,
    (disturbance) => {
      const { loss, gradients, statistics } = trainOnce(model, inputs, disturbance);
      return stagesOf({
        loss,
        gradients: pick(gradients, names.gradients),
        statistics: pick(statistics, names.statistics),
      });
    },
    { tolerance, largestAllowance },
  );
}

/** In the order in which a step computes them. */
function stagesOf({ loss, gradients, statistics }: TrainingStep): Stage[] {
  return [
    {
      name: [...statistics.keys()].map((name) => `after a training step, norm of ${name}`),
      values: [...statistics.values()],
    },
    { name: 'training loss', values: [loss] },
    {
      name: [...gradients.keys()].map((name) => `gradient norm of ${name}`),
      values: [...gradients.values()],
      // The gradient of a bias before a batch norm is 0; what remains of it is the rounding of others.
      smallest: 0.05,
    },
  ];
}

function pick(
  values: ReadonlyMap<string, number>,
  names: readonly string[],
): ReadonlyMap<string, number> {
  return new Map(names.map((name) => [name, values.get(name) ?? NaN]));
}

function trainOnce(model: Model, inputs: TrainingInputs, disturbance: Disturbance): TrainingStep {
  model.loadStateDict(inputs.weights);
  const parameters = model.state.trainable;
  const gradients = new Map<string, number>();
  const loss = tf.tidy(() => {
    const images = channelsLast(disturb(inputs.input, disturbance), inputs.inputShape);
    const labels = tf.tensor1d([...inputs.labels], 'int32');
    const result = lossAndGradients(
      () => crossEntropyLoss(model.forward(images, { training: true }).logits, labels),
      parameters,
    );
    parameters.forEach(({ name }, index) => {
      gradients.set(name, euclideanNorm(result.gradients[index]?.dataSync() ?? []));
    });
    return result.loss.dataSync()[0] ?? NaN;
  });
  const statistics = new Map<string, number>();
  for (const [name, { data }] of model.stateDict()) statistics.set(name, euclideanNorm(data));
  return { loss, gradients, statistics };
}
