import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { crossEntropy } from '../../lib/distill/terms';
import { createModel } from '../../lib/models/registry';
import type { Model } from '../../lib/nn/model';
import type { TrainedTeacher } from '../../lib/runs/classification-teacher';
import { configOf, executeRun } from '../../lib/runs/execute';
import { classifierRuns, readProvenance } from '../../lib/runs/store';
import { metricsFile, readMetrics } from '../../lib/train/metrics';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { smallRequest, smallTask } from '../support/train-run';

describe('a run', () => {
  withEngine('native');
  const folder = withFolder();
  const directory = (): string => join(folder(), 'run');
  let model: Model;
  before(() => (model = createModel('resnet8', { classes: 4, seed: 2 })));
  after(() => model.dispose());

  const teacherOf = (changes: Partial<TrainedTeacher> = {}): TrainedTeacher => ({
    ...{ name: 'resnet8', model, classMeans: new Float32Array(4 * 64), hash: 'aa' },
    ...{ classMeansHash: 'bb', source: 'trained here', top1: 50, embeddingNorm: 4 },
    dispose: () => undefined,
    ...changes,
  });

  it('is known by its recipe, its data, its teacher and the teacher’s class means', async () => {
    const method = { name: 'ce', terms: [crossEntropy()] };
    const request = await smallRequest(directory(), { teacher: teacherOf(), recipe: { method } });
    const { recipe, recipeHash } = configOf(smallTask(), request);
    const training =
      '{"augmentation":"pad-crop-flip","batchSize":16,"epochs":4,"learningRate":0.02,' +
      '"method":{"name":"ce","terms":[{"loss":"crossEntropy","weight":1}]},' +
      '"optimiser":{"momentum":0.9,"nesterov":true,"weightDecay":0.0005},' +
      '"schedule":{"factor":0.1,"kind":"step","milestones":[3]},"student":"resnet8"}';
    const canonical = `{"classMeansHash":"bb","datasetHash":"small","teacherHash":"aa","training":${training}}`;
    expect(JSON.parse(canonical)).to.eql(recipe);
    expect(recipeHash).to.equal(createHash('sha256').update(canonical).digest('hex'));
  });

  const others: [string, Partial<TrainedTeacher>, string][] = [
    ['another teacher', { hash: 'ab' }, 'recipe.teacherHash "aa" instead of "ab"'],
    ['other class means', { classMeansHash: 'bc' }, 'recipe.classMeansHash "bb" instead of "bc"'],
  ];
  for (const [title, changes, found] of others) {
    it(`does not go on with ${title} of the same name`, async () => {
      const begun = await smallRequest(directory(), { teacher: teacherOf() });
      classifierRuns.writeConfig(directory(), {
        ...{ epochs: 4, ...configOf(smallTask(), begun) },
      });
      const other = await smallRequest(directory(), { teacher: teacherOf(changes) });
      const fault = await faultOf(() => executeRun(smallTask(), other));
      expect(fault.what).to.equal('a results directory belongs to another recipe');
      expect(fault.found).to.equal(found);
    });
  }

  it('reports its last epoch, and the best beside it', async () => {
    const tops = [30, 55, 45];
    await executeRun(smallTask(), await smallRequest(directory(), { recipe: { epochs: 3 } }), {
      // What was measured is put aside for accuracies of which the last is neither the best nor the first.
      onEpoch({ epoch }) {
        if (epoch !== 3) return;
        const lines = readMetrics(directory()).epochs.map((metrics, index) =>
          JSON.stringify({ ...metrics, testTop1: tops[index] }),
        );
        writeFileSync(join(directory(), metricsFile), `${lines.join('\n')}\n`);
      },
    });
    expect(readProvenance(directory())).to.include({
      ended: 'finished',
      lastTop1: 45,
      bestTop1: 55,
      bestEpoch: 2,
    });
  });

  it('keeps the time of its first start when it goes on, and is not finished before', async () => {
    const stop = new AbortController();
    const request = await smallRequest(directory(), { recipe: { epochs: 2 }, signal: stop.signal });
    const stopped = executeRun(smallTask(), request, { onEpoch: () => stop.abort() });
    expect((await faultOf(() => stopped)).kind).to.equal('interrupted');
    const first = readProvenance(directory());
    expect(first?.ended).to.equal('interrupted');
    expect(classifierRuns.isFinishedIn(directory())).to.equal(false);
    await sleep(5);
    await executeRun(smallTask(), await smallRequest(directory(), { recipe: { epochs: 2 } }));
    const second = readProvenance(directory());
    expect(second?.startedAt).to.equal(first?.startedAt);
    expect(second?.secondsPerEpoch).to.have.length(2);
    expect(Date.parse(second?.endedAt ?? '')).to.be.above(Date.parse(first?.endedAt ?? ''));
    expect(classifierRuns.isFinishedIn(directory())).to.equal(true);
  });
});
