import { readFileSync } from 'node:fs';
import { batchNormEpsilon } from '../engine/operations/batch-norm';
import { LabError } from '../errors';
import { errorCode } from '../files';
import { decodeDetectronPickle } from '../formats/detectron-pickle';
import { readWeights } from '../formats/weights';
import { hashStateDict } from '../nn/hash';
import type { StateDict, StateEntry } from '../nn/state';
import type { Detector } from './detector';
import { fromCaffe2, fromTorchvision } from './weight-names';

/** What came of loading a file. */
export interface LoadedWeights {
  /** The model's tensors that were in the file. */
  readonly loaded: readonly string[];
  /** Those that were not and kept what they had. */
  readonly missing: readonly string[];
  /** Entries of the file that the model has no place for. */
  readonly unused: readonly string[];
}

/** What of a detector must be in the file: all of it, or its backbone alone. */
export type WeightsScope = 'detector' | 'backbone';

const backbonePrefix = 'backbone.bottom_up.';

/**
 * Takes a detector's weights from a file of detectron2's model zoo (`.pkl`, with Caffe2's or its own
 * names), of this package (`.safetensors`) or of PyTorch (`.pth`; torchvision's names for a backbone).
 * As in detectron2, an entry belongs to the parameter whose name ends in its own.
 *
 * @throws LabError of kind `file` for a file that cannot be read; of kind `model` when something of the
 * scope is missing or has another shape; then nothing changes.
 */
export async function loadDetectorWeights(
  detector: Detector,
  path: string,
  scope: WeightsScope = 'detector',
): Promise<LoadedWeights> {
  const entries = await readDetectorFile(path);
  const own = detector.stateDict();
  const places = matchNames([...own.keys()], [...entries.keys()]);
  const loaded: string[] = [];
  const missing: string[] = [];
  const merged = new Map<string, StateEntry>();
  for (const [name, entry] of own) {
    const source = places.get(name);
    const found = source === undefined ? impliedEntry(name, entry, places) : entries.get(source);
    merged.set(name, found ?? entry);
    if (found) loaded.push(name);
    else if (!name.endsWith('num_batches_tracked')) missing.push(name);
  }
  const needed = missing.find((name) => scope === 'detector' || name.startsWith(backbonePrefix));
  if (needed !== undefined) throw incomplete(path, needed, scope);
  detector.loadStateDict(merged, path);
  const used = new Set(places.values());
  return { loaded, missing, unused: [...entries.keys()].filter((name) => !used.has(name)) };
}

/** The hash of a file's weights, for records. @throws LabError of kind `file` as `loadDetectorWeights`. */
export async function hashDetectorFile(path: string): Promise<string> {
  return hashStateDict(await readDetectorFile(path));
}

async function readDetectorFile(path: string): Promise<StateDict> {
  if (!path.endsWith('.pkl')) return fromTorchvision(await readWeights(path));
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new LabError({
      kind: 'file',
      what: 'weights cannot be read',
      where: path,
      found: errorCode(error) === 'ENOENT' ? 'no such file' : String(error),
      remedy: 'Name a .pkl of detectron2’s model zoo',
    });
  }
  const { weights, names } = decodeDetectronPickle(bytes, path);
  return names === 'caffe2' ? fromCaffe2(weights) : fromTorchvision(weights);
}

/** For each of the model's names the file's longest name that it ends in. */
function matchNames(own: readonly string[], stored: readonly string[]): Map<string, string> {
  const longestFirst = [...stored].sort((a, b) => b.length - a.length);
  const places = new Map<string, string>();
  for (const name of own) {
    const found = longestFirst.find((other) => name === other || name.endsWith(`.${other}`));
    if (found !== undefined) places.set(name, found);
  }
  return places;
}

/** Caffe2's norms are a scale and a shift alone: a mean of 0 and, with ε, a variance of 1. */
function impliedEntry(
  name: string,
  { shape }: StateEntry,
  places: ReadonlyMap<string, string>,
): StateEntry | undefined {
  const statistic = /^(.*)\.running_(mean|var)$/.exec(name);
  if (!statistic || !places.has(`${statistic[1] ?? ''}.weight`)) return undefined;
  const value = statistic[2] === 'mean' ? 0 : 1 - batchNormEpsilon;
  return { shape, data: new Float32Array(shape[0] ?? 0).fill(value) };
}

function incomplete(where: string, name: string, scope: WeightsScope): LabError {
  return new LabError({
    kind: 'model',
    what: `the file does not hold the whole ${scope}`,
    where,
    found: `no '${name}'`,
    remedy:
      scope === 'detector'
        ? 'Name the weights of a detector with this backbone'
        : 'Name the weights of this backbone',
  });
}
