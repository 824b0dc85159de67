import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs';
import { expect } from 'chai';
import { preprocessingOf } from '../../lib/data/images';
import { encodePth } from '../../lib/formats/pth-writer';
import { writeSafetensors } from '../../lib/formats/safetensors';
import { createModel } from '../../lib/models/registry';
import type { StateDict } from '../../lib/nn/state';
import { evaluateFolder } from '../../lib/train/evaluate-folder';
import { runTypeScript } from '../support/child';
import { runHere } from '../support/command';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';
import { writePhotoFolder } from '../support/photo-folder';

const command = join(__dirname, '..', '..', 'reproduce', 'commands', 'evaluate.ts');
const name = 'resnet18_half';

/** A network whose logits are its classifier's biases, whatever it sees. */
function biased(biases: readonly number[]): StateDict {
  const model = createModel(name, { classes: biases.length });
  try {
    const entries = new Map(model.stateDict());
    const { shape } = entries.get('fc.weight') ?? expect.fail('no fc.weight');
    entries.set('fc.weight', { shape, data: new Float32Array(biases.length * 256) });
    entries.set('fc.bias', { shape: [biases.length], data: Float32Array.from(biases) });
    return entries;
  } finally {
    model.dispose();
  }
}

describe('the evaluation of a folder', () => {
  withEngine('native');
  const folder = withFolder();

  it('counts each file by its own class, in batches of which the last is smaller', async () => {
    await writePhotoFolder(folder(), { train: 1, val: 4 });
    // Class 5 of the network is n01, class 0 is n02; four files of n01, then four of n02.
    const classes = ['n02', 'a', 'b', 'c', 'd', 'n01', 'e'];
    // prettier-ignore
    const scores = [
      [0, 1, 2, 3, 4, 9, 5], // the first
      [0, 1, 2, 3, 9, 8, 7], // the second
      [0, 9, 8, 7, 6, 5, 1], // the fifth
      [1, 9, 8, 7, 6, 0, 5], // the last
      [9, 1, 2, 3, 4, 9, 5], // the first of two that are equal
      [9, 1, 2, 3, 4, 0, 5], // the first
      [5, 6, 7, 8, 9, 0, 1], // the fifth
      [4, 5, 6, 7, 8, 9, 1], // the sixth
    ];
    let read = 0;
    const modes: unknown[] = [];
    const model = createModel(name, { classes: classes.length });
    const found = await evaluateFolder(
      {
        ...model,
        forward(images, mode) {
          modes.push(mode);
          const logits = tf.tensor2d(scores.slice(read, (read += images.shape[0])));
          return { logits, embedding: logits, features: [], preActivations: [] };
        },
      },
      folder(),
      preprocessingOf(name, 32),
      { classes, batchSize: 3, workers: 1 },
    );
    model.dispose();
    expect(found).to.deep.equal({ top1: 300 / 8, top5: 600 / 8, images: 8, leftOut: [] });
    expect(modes).to.deep.equal([1, 2, 3].map(() => ({ training: false })));
  });
});

describe('npm run evaluate', () => {
  withEngine('native');
  const folder = withFolder();
  const weights = (file: string): string => join(folder(), file);
  const argumentsOf = (file: string, ...args: string[]): string[] => [
    ...['--model', name, '--weights', weights(file), '--data', folder()],
    ...['--size', '32', ...args],
  ];
  const evaluate = (file: string, ...args: string[]): ReturnType<typeof runHere> =>
    runHere(command, argumentsOf(file, ...args));

  beforeEach(() => writePhotoFolder(folder(), { train: 1, val: 3 }));

  it('counts hits of a .pth over val, prepared as torchvision does, and says how', async () => {
    // Of six images half are n02, which the bias prefers.
    writeFileSync(weights('two.pth'), encodePth(biased([0, 1])));
    const { status, stdout, stderr } = await runTypeScript(command, argumentsOf('two.pth'));
    expect(status, stderr).to.equal(0);
    expect(stdout).to.match(/50\.00 % top-1, 100\.00 % top-5 on 6 images/);
    // 256 · 32 / 224 = 36.6, rounded down.
    expect(stdout).to.match(/short side to 36 \(bilinear\), middle 32 × 32, mean 0\.485/);
  });

  it('finds the classes of a part by their names, from a .safetensors', async () => {
    writeSafetensors(weights('seven.safetensors'), biased([6, 5, 4, 3, 2, 1, 0]));
    const list = join(folder(), 'classes.txt');
    writeFileSync(list, 'n00\na\nb\nc\nn02\nn01\nd\n');
    const { status, stdout, stderr } = await evaluate(
      'seven.safetensors',
      ...['--classes', list, '--preprocessing', 'vit_small_patch16_224', '--json'],
    );
    expect(status, stderr).to.equal(0);
    const found = JSON.parse(stdout) as Record<string, unknown>;
    // n02 comes fifth, n01 sixth.
    expect(found).to.include({ top1: 0, top5: 50, images: 6, classes: 7 });
    expect(found.preprocessing).to.deep.include({
      evaluation: { resize: 35, crop: 32, interpolation: 'bicubic' },
    });
  });

  it('leaves damaged images out on demand and names them', async () => {
    writeFileSync(weights('two.pth'), encodePth(biased([0, 1])));
    const broken = join(folder(), 'val', 'n01', 'n01_0.JPEG');
    writeFileSync(broken, 'nothing');
    const refused = await evaluate('two.pth');
    expect(refused.status).to.equal(1);
    expect(refused.stderr).to.include(broken).and.include('--skip-corrupt');
    const { stdout } = await evaluate('two.pth', '--skip-corrupt');
    expect(stdout).to.match(/60\.00 % top-1.*on 5 images/);
    expect(stdout).to.include('1 images left out').and.include(broken);
  });

  it('refuses a network of another number of classes, and lists that cannot be', async () => {
    writeFileSync(weights('three.pth'), encodePth(biased([0, 1, 2])));
    const { status, stderr } = await evaluate('three.pth');
    expect(status).to.equal(1);
    expect(stderr).to.match(
      /fc\.(?:weight|bias).*3.*2.*The folder has 2 classes .*--classes FILE/s,
    );
    expect(stderr).to.not.include('    at ');
    const list = join(folder(), 'classes.txt');
    writeFileSync(list, 'n01\nn02\nn01\n');
    expect((await evaluate('three.pth', '--classes', list)).stderr).to.include("'n01' twice");
    writeFileSync(list, 'n01\nn03\nn04\n');
    expect((await evaluate('three.pth', '--classes', list)).stderr).to.include("'n02'");
  });
});
