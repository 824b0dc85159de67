import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { crossEntropy } from '../../lib/distill/terms';
import { createModel } from '../../lib/models/registry';
import type { Model } from '../../lib/nn/model';
import { metricsFile, readMetrics } from '../../lib/results/metrics';
import { readProvenance, writeConfig } from '../../lib/results/store';
import { configOf, executeRun, type RunRequest } from '../../lib/study/execute';
import type { TrainedTeacher } from '../../lib/study/teacher';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';
import { smallRun } from '../support/train-run';

describe('a run', () => {
  withEngine('native');
  const folder = withFolder();
  let model: Model;
  before(() => (model = createModel('resnet8', { classes: 4, seed: 2 })));
  after(() => model.dispose());

  const teacherOf = (changes: Partial<TrainedTeacher> = {}): TrainedTeacher => ({
    ...{ model, classMeans: new Float32Array(4 * 64), hash: 'aa', classMeansHash: 'bb' },
    ...{ source: 'trained here', top1: 50, embeddingNorm: 4 },
    ...changes,
  });
  const request = async (changes: Partial<RunRequest> = {}): Promise<RunRequest> => ({
    ...(await smallRun(join(folder(), 'run'))),
    ...changes,
  });

  it('is known by its recipe, its data, its teacher and the teacher’s class means', async () => {
    const { dataset, ...rest } = await request({ teacher: teacherOf() });
    const short = { student: 'resnet8', method: { name: 'ce', terms: [crossEntropy()] } };
    const { recipe, recipeHash } = configOf({
      ...{ ...rest, dataset },
      recipe: { ...rest.recipe, ...short },
    });
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
      const begun = await request({ teacher: teacherOf() });
      writeConfig(begun.directory, configOf(begun));
      const fault = await faultOf(async () =>
        executeRun(await request({ teacher: teacherOf(changes) })),
      );
      expect(fault.what).to.equal('a results directory belongs to another recipe');
      expect(fault.found).to.equal(found);
    });
  }

  it('reports its last epoch, and the best beside it', async () => {
    const whole = await request();
    const run = { ...whole, recipe: { ...whole.recipe, epochs: 3 } };
    const tops = [30, 55, 45];
    await executeRun(run, {
      // What was measured is put aside for accuracies of which the last is neither the best nor the first.
      onEpoch({ epoch }) {
        if (epoch !== 3) return;
        const lines = readMetrics(run.directory).epochs.map((metrics, index) =>
          JSON.stringify({ ...metrics, testTop1: tops[index] }),
        );
        writeFileSync(join(run.directory, metricsFile), `${lines.join('\n')}\n`);
      },
    });
    expect(readProvenance(run.directory)).to.include({
      ended: 'finished',
      lastTop1: 45,
      bestTop1: 55,
      bestEpoch: 2,
    });
  });
});
