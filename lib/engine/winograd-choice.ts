import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { LabError } from '../errors';
import type { BuiltEngine } from './build';
import { cached, cacheKey } from './cache';
import { type ConvolutionPass, convolutionPasses } from './describe';
import { nativeOperation } from './native';
import {
  convolutionInputGradient,
  convolutionWeightsGradient,
  nativePadding,
} from './operations/convolution-gradients';
import { winograd, winogradGradient } from './operations/winograd';
import { processorKind } from './processor';
import { tidied } from './tidy';

/** Milliseconds that a pass takes over all measured convolutions, each at its fastest. */
const timesSchema = z.strictObject({ winograd: z.number(), oneDnn: z.number() });
const allTimesSchema = z.strictObject({
  forward: timesSchema,
  input: timesSchema,
  weights: timesSchema,
});

export type WinogradTimes = z.infer<typeof allTimesSchema>;

/** The passes of a convolution that Winograd's products take no longer for than oneDNN. */
export function fasterByWinograd(times: WinogradTimes): ConvolutionPass[] {
  return convolutionPasses.filter((pass) => times[pass].winograd <= times[pass].oneDnn);
}

/** Convolutions of CIFAR's and ImageNet's ResNets, with as many images as take about a millisecond. */
const measured = [
  { side: 32, channels: 16, batch: 16 },
  { side: 16, channels: 32, batch: 16 },
  { side: 8, channels: 64, batch: 16 },
  { side: 28, channels: 128, batch: 1 },
  { side: 14, channels: 256, batch: 1 },
] as const;

const rounds = 5;

/** Times both ways of each pass, in some tenths of a second. */
export function measureWinograd(): WinogradTimes {
  const none = (): WinogradTimes[ConvolutionPass] => ({ winograd: 0, oneDnn: 0 });
  const times = { forward: none(), input: none(), weights: none() };
  tidied(() => {
    for (const { side, channels, batch } of measured) {
      const shape: [number, number, number, number] = [batch, side, side, channels];
      const x = tf.ones<tf.Rank.R4>(shape);
      const weights = tf.ones<tf.Rank.R4>([3, 3, channels, channels]);
      const { attributes } = nativePadding(weights, 1, 1);
      const { forward, input, weights: ofWeights } = times;
      forward.winograd += fastest(() => winograd(x, weights));
      forward.oneDnn += fastest(() => nativeOperation('Conv2D', attributes, [x, weights]));
      input.winograd += fastest(() => winograd(x, weights, { turned: true }));
      input.oneDnn += fastest(() => convolutionInputGradient(x, shape, weights, attributes));
      ofWeights.winograd += fastest(() => winogradGradient(x, x));
      ofWeights.oneDnn += fastest(() => convolutionWeightsGradient(x, { x, weights }, attributes));
    }
  });
  return times;
}

/** The first run is for warming up. A native operation has ended when its call has. */
function fastest(run: () => tf.Tensor): number {
  const times = Array.from({ length: 1 + rounds }, () => {
    const started = performance.now();
    run().dispose();
    return performance.now() - started;
  });
  return Math.min(...times.slice(1));
}

const fileName = 'times.json';

/**
 * The times of this processor, measured at the engine's first use on it and kept beside the engine: the same choice, and
 * so the same bytes, in every later process.
 *
 * @param say hears where they cannot be kept; then there are none.
 */
export async function keptWinogradTimes(
  { binding }: Pick<BuiltEngine, 'binding'>,
  measure: () => WinogradTimes = measureWinograd,
  say: (message: string) => void = (message) => void process.stderr.write(`${message}\n`),
): Promise<WinogradTimes | undefined> {
  const engine = dirname(binding);
  const processor = cacheKey({ engine: basename(engine), kind: processorKind() });
  try {
    const { folder } = await cached({
      root: dirname(engine),
      name: `convolutions-${processor}`,
      make: (folder) => writeFile(join(folder, fileName), `${JSON.stringify(measure())}\n`),
    });
    return allTimesSchema.parse(JSON.parse(await readFile(join(folder, fileName), 'utf8')));
  } catch (error) {
    if (!(error instanceof LabError) || error.kind !== 'file') throw error;
    say(
      `note: which convolutions are the fastest here cannot be kept, so it was not measured: ${error.problem}`,
    );
    return undefined;
  }
}
