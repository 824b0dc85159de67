import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readSafetensors, writeSafetensors } from '../../lib/formats/safetensors';
import { readWeights } from '../../lib/formats/weights';
import { hashStateDict, type StateEntry } from '../../lib/nn/state';
import { exportWeights } from '../../lib/runs/export';
import { writeConfig, writeProvenance } from '../../lib/runs/store';
import { runTypeScript } from '../support/child';
import { runHere } from '../support/command';
import { type Fault, faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { madeUpConfig, madeUpProvenance } from '../support/made-up-runs';

const weights = new Map<string, StateEntry>([
  ['conv1.weight', { shape: [1, 1, 1, 2], data: Float32Array.of(0.1, -2) }],
  ['bn1.num_batches_tracked', { shape: [], data: Float32Array.of(12) }],
]);

describe('exporting weights', () => {
  const folder = withFolder();
  const run = (): string => join(folder(), 'seed-1');

  function makeRun(checkpointHash = hashStateDict(weights)): void {
    writeConfig(run(), madeUpConfig());
    writeProvenance(run(), madeUpProvenance({ checkpointHash }));
    writeSafetensors(join(run(), 'weights.safetensors'), weights);
  }

  for (const ending of ['pth', 'safetensors'] as const) {
    it(`of a run to .${ending} keeps every name, shape and bit`, async () => {
      makeRun();
      const to = join(folder(), 'out', `student.${ending}`);
      const exported = await exportWeights(run(), to);
      expect(exported).to.include({
        file: to,
        format: ending,
        tensors: 2,
        hash: hashStateDict(weights),
        bytes: readFileSync(to).length,
      });
      expect([...(await readWeights(to))]).to.deep.equal([...weights]);
    });
  }

  it('goes through one form to the other and back to the same bytes', async () => {
    makeRun();
    const file = (name: string): string => join(folder(), name);
    await exportWeights(run(), file('a.pth'));
    await exportWeights(file('a.pth'), file('b.safetensors'));
    await exportWeights(file('b.safetensors'), file('c.pth'));
    expect(readFileSync(file('c.pth')).equals(readFileSync(file('a.pth')))).to.equal(true);
    expect(readSafetensors(file('b.safetensors')).metadata).to.deep.equal({ format: 'pt' });
  });

  it('refuses another ending, a run without weights or with others, and no run', async () => {
    makeRun('0'.repeat(64));
    const to = join(folder(), 'student.pth');
    expect((await faultOf(() => exportWeights(run(), join(folder(), 'a.onnx')))).where).to.equal(
      '--to',
    );
    const others = await faultOf(() => exportWeights(run(), to));
    expect(others.what).to.equal('the weights are not those that this run ended with');
    expect((await faultOf(() => exportWeights(folder(), to))).found).to.equal('no config.json');
    writeConfig(join(folder(), 'other'), madeUpConfig());
    const unfinished = await faultOf(() => exportWeights(join(folder(), 'other'), to));
    expect(unfinished.what).to.equal('this run has no weights yet');
    expect(unfinished.fix).to.equal('Let it finish first');
    expect(existsSync(to)).to.equal(false);
  });

  it('of a run that is kept without weights tells how to train it again', async () => {
    const run = join(__dirname, '..', '..', 'results', 'runs', 'table1-short-cifar100');
    const kept = (...names: string[]): Promise<Fault> =>
      faultOf(() => exportWeights(join(run, ...names), join(folder(), 'student.pth')));
    const fix = 'Train it again elsewhere and export that: npm run reproduce:table1 --';
    const student = await kept('resnet20-resnet8', 'dist++', 'seed-1');
    expect(student.what).to.match(/^this run is kept without its weights/);
    expect(student.fix).to.equal(
      `${fix} --scale short --data-dir PATH --epochs 3 --teacher-epochs 4 --pairs resnet20:resnet8 --methods dist++ --seeds 1 --results trained-again`,
    );
    // A teacher is made by the command of its table.
    const teacher = await kept('resnet20', 'teacher', 'seed-0');
    expect(teacher.fix).to.match(/ --teacher-epochs 4 --results trained-again$/);
  });

  const own = '--pairs resnet20:resnet8 --methods kd --seeds 1 --results trained-again';
  for (const [typed, again] of [
    ['', '--'],
    [' -- --manifest PATH --index 3 --scale short', '-- --scale short'],
    [
      ' -- --teacher-models resnet20,resnet56 --students=resnet8 --scale reduced',
      '-- --scale reduced',
    ],
    [' -- --pairs=resnet20:resnet8 --hours 2 --methods=kd --seeds=1 --jobs=2 --shard=1/2', '--'],
  ] as const) {
    it(`names the command without what chose other runs too:${typed || ' none'}`, async () => {
      writeConfig(run(), madeUpConfig({ pair: 'resnet20:resnet8', method: 'kd', seed: 1 }));
      const command = `npm run reproduce:teachers${typed}`;
      writeProvenance(run(), madeUpProvenance({ command }));
      const { fix } = await faultOf(() => exportWeights(run(), join(folder(), 'a.pth')));
      expect(fix.split(': ')[1]).to.equal(`npm run reproduce:teachers ${again} ${own}`);
    });
  }

  it('of a detector is refused as such', async () => {
    const detector = join(
      __dirname,
      '../../results/runs/table3-quick-shapes-256-256/r34-small-r18-small/kd++/seed-1',
    );
    const fault = await faultOf(() => exportWeights(detector, join(folder(), 'a.pth')));
    expect(fault).to.include({ what: 'detectors are not exported', where: detector });
  });

  it('is a command', async () => {
    const script = join(__dirname, '..', '..', 'reproduce', 'commands', 'export.ts');
    const source = join(folder(), 'weights.safetensors');
    const to = join(folder(), 'student.pth');
    writeSafetensors(source, weights);
    const { status, stdout, stderr } = await runTypeScript(script, [source, '--to', to, '--json']);
    expect(status, stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.have.property('hash', hashStateDict(weights));
    writeFileSync(source, 'nothing');
    const broken = await runHere(script, [source, '--to', to]);
    expect([broken.status, broken.stderr.trim().split('\n').length]).to.deep.equal([1, 1]);
  });
});
