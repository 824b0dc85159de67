import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { readWeights } from '../../lib/formats/weights';
import { hashStateDict } from '../../lib/nn/state';
import { hashJson } from '../../lib/records';
import { weightsFile } from '../../lib/runs/paths';
import { readProvenance, readRuns, studyNames } from '../../lib/runs/store';
import { parsePairs } from '../../lib/runs/grid';
import { scaledToEpochs } from '../../lib/train/recipe';
import { olderRecipe } from '../../reproduce/recipes/older';
import { table1Recipe, table1TeacherRecipe } from '../../reproduce/recipes/table1';

const results = join(__dirname, '..', '..', 'results');

describe('the committed runs', () => {
  it('have the recipes that their cells have today, or had before, and the hashes of these', function () {
    // A package without its results has none to check.
    if (!existsSync(join(results, 'runs'))) this.skip();
    const studies = ['short', 'reduced'].flatMap((scale) => studyNames(results, `table1-${scale}`));
    const runs = studies.flatMap((study) => readRuns(results, study));
    expect(runs).to.not.be.empty;
    for (const { config, provenance } of runs) {
      const { method, student, pair, epochs, recipe, recipeHash } = config;
      const [named] = method === 'teacher' ? [] : parsePairs(pair);
      const now = named ? table1Recipe(named, method) : table1TeacherRecipe(student);
      const asked = / --batch (\d+)/.exec(provenance?.command ?? '')?.[1];
      const batchSize = asked === undefined ? now.batchSize : Number(asked);
      const today = { ...scaledToEpochs(now, epochs), batchSize };
      const trained = recipe['training'];
      const isToday = hashJson(trained) === hashJson(today);
      expect(trained, `${method} of ${pair}`).to.eql(isToday ? today : olderRecipe(today));
      expect(recipeHash).to.equal(hashJson(recipe));
    }
  });

  it('have the weights that they ended with, where weights come along', async function () {
    const study = 'table1-reduced-cifar100';
    const directory = join(results, 'runs', study, 'resnet20', 'teacher', 'seed-0');
    if (!existsSync(weightsFile(directory))) this.skip();
    const weights = await readWeights(weightsFile(directory));
    expect(hashStateDict(weights)).to.equal(readProvenance(directory)?.checkpointHash);
  });
});
