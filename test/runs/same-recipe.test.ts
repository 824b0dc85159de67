import { expect } from 'chai';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LabError } from '../../lib/errors';
import { assertSameRecipe } from '../../lib/runs/same-recipe';
import { writeConfig } from '../../lib/runs/store';
import { madeUpConfig } from '../support/made-up-runs';
import { withFolder } from '../support/folder';

describe('a results directory and its recipe', () => {
  const directory = withFolder();

  it('agree when it is new or has the same configuration, keys in any order', () => {
    const config = madeUpConfig();
    assertSameRecipe(join(directory(), 'new'), config);
    writeConfig(directory(), config);
    const reversed = Object.fromEntries(Object.entries(config.recipe).reverse());
    assertSameRecipe(directory(), { ...config, recipe: reversed });
  });

  it('disagree with the fields named, found and expected, and a way out', () => {
    writeConfig(directory(), madeUpConfig({ epochs: 8, dataset: 'fashion-mnist' }));
    const other = madeUpConfig({
      epochs: 30,
      dataset: 'cifar100',
      recipe: { optimiser: { name: 'sgd', learningRate: 0.05 } },
    });
    expect(() => {
      assertSameRecipe(directory(), other);
    })
      .to.throw(LabError)
      .that.satisfies(
        ({ kind, problem, fix }: LabError) =>
          kind === 'results' &&
          problem.includes(`(${directory()})`) &&
          problem.endsWith(
            ': found dataset "fashion-mnist" instead of "cifar100", epochs 8 instead of 30, ' +
              'recipe.optimiser.learningRate 0.1 instead of 0.05',
          ) &&
          fix.includes('--results'),
      );
  });

  it('disagree by the hash alone when nothing else tells them apart', () => {
    writeConfig(directory(), madeUpConfig({ recipeHash: 'a' }));
    expect(() => {
      assertSameRecipe(directory(), madeUpConfig({ recipeHash: 'b' }));
    }).to.throw(LabError, 'recipeHash "a" instead of "b"');
  });

  it('disagree when a term was added to the recipe, or metrics lie there without configuration', () => {
    writeConfig(directory(), madeUpConfig({ recipe: { losses: ['kd'] } }));
    expect(() => {
      assertSameRecipe(directory(), madeUpConfig({ recipe: { losses: ['kd', 'nd'] } }));
    }).to.throw(LabError, 'recipe.losses ["kd"] instead of ["kd","nd"]');
    const bare = join(directory(), 'bare');
    mkdirSync(bare);
    writeFileSync(join(bare, 'metrics.jsonl'), '');
    expect(() => {
      assertSameRecipe(bare, madeUpConfig());
    }).to.throw(LabError, 'unknown recipe');
  });
});
