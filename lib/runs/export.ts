import { existsSync } from 'node:fs';
import { extname, join } from 'node:path';
import { isFolder } from '../data/paths';
import { type LabError, optionError, resultsError } from '../errors';
import { writeAtomic } from '../files';
import { encodePth } from '../formats/pth-writer';
import { encodeSafetensors } from '../formats/safetensors';
import { readWeights } from '../formats/weights';
import { hashStateDict, type StateDict } from '../nn/state';
import { runFiles, weightsFile } from './paths';
import type { RunConfig } from './schema';
import { detectorRuns, readConfig, readProvenance, storeOf } from './store';

/** What was written. */
interface Exported {
  readonly file: string;
  readonly format: 'safetensors' | 'pth';
  readonly tensors: number;
  readonly bytes: number;
  /** Of the weights, as a run's provenance names it; the same in either form. */
  readonly hash: string;
}

const encoders: Readonly<
  Record<string, (tensors: StateDict, about: Record<string, string>) => Uint8Array>
> = {
  '.safetensors': (tensors, about) => encodeSafetensors(tensors, { format: 'pt', ...about }),
  '.pth': (tensors) => encodePth(tensors),
};

/**
 * Writes the weights of a finished run, or of a file of weights, for use in PyTorch: `.safetensors` or
 * `.pth` by the name of `to`. Names, shapes and types are those of mdistiller's models, batch norm's
 * counters int64. The `.pth` opens with `torch.load(file, weights_only=True)`.
 *
 * @throws LabError of kind `option` for another ending; `results` when the run has no weights or not
 *   those that its provenance names; else as `readWeights`.
 */
export async function exportWeights(source: string, to: string): Promise<Exported> {
  const ending = extname(to);
  const encode = Object.hasOwn(encoders, ending) ? encoders[ending] : undefined;
  if (encode === undefined) {
    throw optionError`the form of the weights is told by the ending of the file (--to): found '${to}'. Give a name that ends in ${Object.keys(encoders).join(' or ')}`;
  }
  const { tensors, about } = isFolder(source)
    ? await runWeights(source)
    : { tensors: await readWeights(source), about: {} };
  const bytes = encode(tensors, about);
  writeAtomic(to, bytes);
  return {
    file: to,
    format: ending === '.pth' ? 'pth' : 'safetensors',
    tensors: tensors.size,
    bytes: bytes.byteLength,
    hash: hashStateDict(tensors),
  };
}

/** The command that trained a run, for this run alone and into another folder. */
function commandAgain({ pair, method, seed }: RunConfig, command: string): string {
  const named = `--pairs ${pair} --methods ${method} --seeds ${seed}`;
  // A teacher is trained along with a student of its own.
  const [others, own] = pair.includes(':')
    ? [
        / --(?:pairs|teacher-models|students|methods|seeds|manifest|index|results|jobs|gpus|shard|hours)[ =]\S+/g,
        ` ${named}`,
      ]
    : [/ --(?:results|jobs|gpus|shard|hours)[ =]\S+/g, ''];
  const kept = command.replace(others, '');
  return `${/ --( |$)/.test(kept) ? kept : `${kept} --`}${own} --results trained-again`;
}

async function runWeights(
  directory: string,
): Promise<{ tensors: StateDict; about: Record<string, string> }> {
  const file = weightsFile(directory);
  const fault = (what: string, found: string, fix: string): LabError =>
    resultsError`${what} (${directory}): found ${found}. ${fix}`;
  if (!existsSync(join(directory, runFiles.config))) {
    throw fault(
      'not the directory of a run',
      `no ${runFiles.config}`,
      'Name results/runs/…/seed-1',
    );
  }
  if (storeOf(directory) === detectorRuns) {
    throw fault(
      'detectors are not exported',
      'the run of a detector',
      `Its ${runFiles.weights} opens in PyTorch as it is, with safetensors.torch.load_file`,
    );
  }
  const config = readConfig(directory);
  const { student, dataset, method, seed } = config;
  const provenance = readProvenance(directory);
  if (!existsSync(file)) {
    if (provenance?.ended === 'finished') {
      throw fault(
        'this run is kept without its weights, as runs that come with the project are',
        `a finished run and no ${runFiles.weights}`,
        `Train it again elsewhere and export that: ${commandAgain(config, provenance.command)}`,
      );
    }
    throw fault('this run has no weights yet', `no ${runFiles.weights}`, 'Let it finish first');
  }
  const tensors = await readWeights(file);
  const expected = provenance?.checkpointHash;
  if (expected && hashStateDict(tensors) !== expected) {
    throw fault(
      'the weights are not those that this run ended with',
      `hash ${hashStateDict(tensors)}, recorded ${expected}`,
      'Train the run anew, or name the file itself to export it as it is',
    );
  }
  return { tensors, about: { model: student, dataset, method, seed: String(seed) } };
}
