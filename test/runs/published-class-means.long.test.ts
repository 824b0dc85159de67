import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { createDetector } from '../../lib/detection/detector';
import { readClassMeans } from '../../lib/distill/class-means';
import { writeSafetensors } from '../../lib/formats/safetensors';
import { createModel } from '../../lib/models/registry';
import { detectorForm } from '../../lib/runs/detection-recipe';
import { prepareClassMeans } from '../../reproduce/commands/data-class-means';
import { table2Study } from '../../reproduce/table2';
import { table3Study } from '../../reproduce/table3';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';
import { writePhotoFolder } from '../support/photo-folder';

describe('class means of published weights', () => {
  withEngine('native');
  const folder = withFolder();
  const options = (): Parameters<typeof prepareClassMeans>[2] => ({
    ...{ directory: folder(), results: join(folder(), 'results') },
    ...{ signal: new AbortController().signal, onProgress: () => undefined },
  });

  it('of ImageNet lie where table 2 looks for them, and stand beside the published ones', async () => {
    await writePhotoFolder(join(folder(), 'imagenet'), { train: 1, val: 1 });
    mkdirSync(join(folder(), 'imagenet-teachers'));
    mkdirSync(join(folder(), 'class-means'));
    const model = createModel('resnet34', { classes: 2, seed: 3 });
    const weights = join(folder(), 'imagenet-teachers', 'resnet34.safetensors');
    writeSafetensors(weights, model.stateDict());
    model.dispose();
    const names = ['resnet34', 'r101-fpn'];
    const made = await prepareClassMeans(table2Study, names, options());
    expect(made.notes).to.deep.equal([]);
    expect(made.ready.map(({ teacher, compared }) => [teacher, compared])).to.deep.equal([
      ['resnet34', null],
    ]);
    const run = join(
      options().results,
      'runs',
      'table2-paper-imagenet-224px',
      'resnet34',
      'teacher',
    );
    const [name = ''] = readdirSync(join(run, 'seed-0')).filter((of) => of.startsWith('given-'));
    const file = join(run, 'seed-0', name);
    const written = statSync(file).mtimeMs;
    const { means, dimension } = readClassMeans(file);
    expect(dimension).to.equal(512);
    // The published ones: the first twice as long, the second the other way round.
    const [first, second] = [means.subarray(0, dimension), means.subarray(dimension)];
    writeFileSync(
      join(folder(), 'class-means', 'resnet34.json'),
      JSON.stringify({ 0: [...first].map((x) => 2 * x), 1: [...second].map((x) => -x) }),
    );
    const [again] = (await prepareClassMeans(table2Study, names, options())).ready;
    expect(statSync(file).mtimeMs).to.equal(written);
    expect(again?.sha256).to.equal(made.ready[0]?.sha256);
    expect(again?.compared?.meanCosine).to.be.closeTo(0, 1e-6);
    expect(again?.compared?.smallestCosine).to.be.closeTo(-1, 1e-6);
    const norms = [first, second].map((row) => Math.hypot(...row));
    expect(again?.compared?.meanNorm).to.be.closeTo(((norms[0] ?? 0) + (norms[1] ?? 0)) / 2, 1e-4);
    expect(again?.compared?.otherMeanNorm).to.be.closeTo(
      (norms[0] ?? 0) + (norms[1] ?? 0) / 2,
      1e-4,
    );
  });

  it('of a detector are gathered too, and a broken one does not hold up the others', async () => {
    mkdirSync(join(folder(), 'detectors'));
    const detector = createDetector({ ...detectorForm('r34-small'), classes: 3, seed: 1 });
    writeSafetensors(join(folder(), 'detectors', 'r34-small.safetensors'), detector.stateDict());
    detector.dispose();
    writeFileSync(join(folder(), 'detectors', 'r18-small.safetensors'), 'no weights');
    const grid = {
      ...{ data: 'shapes:2:2', classMeansIterations: '1', teachers: 'published' },
      pairs: 'r18-small:r18-small,r34-small:r18-small',
    };
    const { ready, notes } = await prepareClassMeans(table3Study, ['r18-small', 'r34-small'], {
      ...{ ...options(), grid },
    });
    expect(ready.map(({ teacher, compared }) => [teacher, compared])).to.deep.equal([
      ['r34-small', null],
    ]);
    expect(notes).to.have.length(1);
    expect(notes[0]).to.match(/^error: r18-small: .*r18-small\.safetensors/);
  });
});
