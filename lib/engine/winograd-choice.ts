import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { z } from 'zod';
import { LabError } from '../errors';
import type { BuiltEngine } from './build';
import { cached, cacheKey } from './cache';
import { type ConvolutionPass, convolutionPasses } from './describe';
import { nativeOperation } from './native';
import { inFloatType } from './operations/activations';
import {
  convolutionInputGradient,
  convolutionWeightsGradient,
  nativePadding,
} from './operations/convolution-gradients';
import { winograd, winogradGradient, winogradPasses } from './operations/winograd';
import { processorKind } from './processor';
import { tidied } from './tidy';

/** Milliseconds that a pass takes over all measured convolutions, each at its fastest. */
const timesSchema = z.strictObject({ winograd: z.number(), oneDnn: z.number() });
const allTimesSchema = z.partialRecord(z.enum(convolutionPasses), timesSchema);

export type WinogradTimes = z.infer<typeof allTimesSchema>;

/** The passes of a convolution that Winograd's products take no longer for than oneDNN. */
export function fasterByWinograd(times: WinogradTimes): ConvolutionPass[] {
  return convolutionPasses.filter((pass) => {
    const found = times[pass];
    return found !== undefined && found.winograd <= found.oneDnn;
  });
}

/**
 * Convolutions of CIFAR's and ImageNet's ResNets, with as many images as take some milliseconds: of fewer, waking threads
 * and transforming the weights would decide.
 */
const measured = [
  { side: 32, channels: 16, batch: 64 },
  { side: 16, channels: 32, batch: 64 },
  { side: 8, channels: 64, batch: 64 },
  { side: 28, channels: 128, batch: 4 },
  { side: 14, channels: 256, batch: 4 },
] as const;

/** So many that one of them finds both cores free on a machine that trains meanwhile: of 8 none did, one time in eight. */
const rounds = 24;
/** In a fresh process, whose memory is taken for the first time. */
const untimedRounds = 4;

/** Times both ways of each pass that there are operations for, in a second or two. */
export function measureWinograd(): WinogradTimes {
  timesOver(untimedRounds);
  return timesOver(rounds);
}

function timesOver(rounds: number): WinogradTimes {
  const known = winogradPasses();
  const times: WinogradTimes = {};
  const add = (pass: ConvolutionPass, byWinograd: () => tf.Tensor, byOneDnn: () => tf.Tensor) => {
    if (!known.includes(pass)) return;
    const { winograd, oneDnn } = times[pass] ?? { winograd: 0, oneDnn: 0 };
    const [ours = 0, theirs = 0] = fastest([byWinograd, byOneDnn], rounds);
    times[pass] = { winograd: winograd + ours, oneDnn: oneDnn + theirs };
  };
  tidied(() => {
    for (const { side, channels, batch } of measured) {
      for (const type of ['float32', 'bfloat16'] as const) {
        const shape: [number, number, number, number] = [batch, side, side, channels];
        const x = inFloatType(tf.ones<tf.Rank.R4>(shape), type);
        const weights = inFloatType(tf.ones<tf.Rank.R4>([3, 3, channels, channels]), type);
        const { attributes } = nativePadding(weights, 1, 1, type);
        const half = type === 'bfloat16';
        add(
          half ? 'forward in bf16' : 'forward',
          () => winograd(x, weights),
          () => nativeOperation('Conv2D', attributes, [x, weights]),
        );
        add(
          half ? 'input in bf16' : 'input',
          () => winograd(x, weights, { turned: true }),
          () => convolutionInputGradient(x, shape, weights, attributes),
        );
        if (half) continue;
        add(
          'weights',
          () => winogradGradient(x, x),
          () => convolutionWeightsGradient(x, { x, weights }, attributes),
        );
      }
    }
  });
  return times;
}

/**
 * Of each its fastest run, all in turn, so that what else the machine does meanwhile falls on all. The first round is
 * for warming up. A native operation has ended when its call has.
 */
function fastest(runs: readonly (() => tf.Tensor)[], rounds: number): number[] {
  const times = runs.map(() => Infinity);
  for (let round = 0; round <= rounds; round++) {
    runs.forEach((run, index) => {
      const started = performance.now();
      run().dispose();
      const took = performance.now() - started;
      if (round > 0) times[index] = Math.min(times[index] ?? took, took);
    });
  }
  return times;
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
