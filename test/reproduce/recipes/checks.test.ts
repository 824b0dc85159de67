import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { definitionsBelow } from '../../../reproduce/definitions';
import { crossEntropy } from '../../../lib/distill/terms';
import { checkedCells } from '../../../reproduce/recipes/check';
import { publishedRecipe } from '../../../reproduce/recipes/cifar';
import { type RecipeRegistry, recipeRegistry } from '../../../reproduce/recipes/registry';
import { faultOf } from '../../support/faults';
import { withFolder } from '../../support/folder';

/** The source of a file with one cell; `changes` are written over its fields. */
function cellFile(changes: string, loss = 'crossEntropy'): string {
  return `
    const recipe = {
      terms: [{ loss: '${loss}', weight: 1 }], epochs: 2, batchSize: 4, learningRate: 0.1,
      schedule: { kind: 'cosine' }, optimiser: { momentum: 0, weightDecay: 0, nesterov: false },
      augmentation: 'none',
    };
    export const cell = { pair: 'resnet20:resnet8', row: 'mine', expected: null, recipes: { mine: recipe }, ${changes} };`;
}

describe('a file of recipes', () => {
  const folder = withFolder();
  const registry = (): RecipeRegistry =>
    recipeRegistry(checkedCells(definitionsBelow(folder(), {})), {
      pairs: ['resnet56:resnet20'],
      fallbackPair: () => 'resnet20:resnet8',
      fallbackTeacher: publishedRecipe([crossEntropy()]),
    });
  const write = (name: string, text: string): void => writeFileSync(join(folder(), name), text);

  const faults: [string, string, RegExp][] = [
    ['an unknown model', cellFile("pair: 'resnet20:resnet9'"), /unknown model 'resnet9'/],
    ['half a pair', cellFile("pair: 'resnet20'"), /a teacher and a student/],
    [
      'an unknown method of a row of the paper',
      cellFile("row: 'kd', recipes: { kdd: recipe }"),
      /unknown method 'kdd'.*kd-published/,
    ],
    ['an unknown loss term', cellFile('', 'crossEntropi'), /unknown loss term.*crossEntropy/],
    [
      'an option that a loss term does not have',
      cellFile(
        "recipes: { mine: { ...recipe, terms: [{ loss: 'kd', weight: 1, temprature: 2 }] } }",
      ),
      /unknown option of the loss term 'kd' 'temprature'.*Did you mean 'temperature'/,
    ],
    [
      'an option of a recipe that none has',
      `import { paperRecipe } from 'norm-direction-lab/recipes';
       export const cell = { pair: '*', row: 'mine', recipes: { mine: paperRecipe([], { learningrate: 1 }) } };`,
      /unknown option of a recipe 'learningrate'.*Did you mean 'learningRate'/,
    ],
    [
      'a teacher of every pair',
      cellFile("pair: '*', row: 'teacher', recipes: { teacher: recipe }"),
      /a teacher's recipe is one of a pair.*found \*/,
    ],
    [
      'a teacher whose recipe is a function',
      cellFile("row: 'teacher', recipes: { teacher: () => recipe }"),
      /a teacher's recipe is one of a pair.*a function/,
    ],
    ['a number that is none', cellFile("expected: '72.5'"), /no cell.*expected/],
    ['no recipe', cellFile('recipes: {}'), /no cell.*no recipe/],
    [
      'half a recipe',
      cellFile('recipes: { mine: { terms: recipe.terms } }'),
      /no cell.*paperRecipe/,
    ],
    ['a field that no cell has', cellFile('expectd: 1'), /no cell.*expectd/],
    ['another name', 'export const cel = {};', /defines nothing/],
    [
      'no list of cells',
      'export const cells = {};',
      /^[^\n]*, cells\): found [^\n]*array[^\n]*\. Export/,
    ],
    ['TypeScript that cannot be read', 'export const cell = {', /cannot be loaded/],
  ];
  for (const [title, text, words] of faults) {
    it(`is refused by its name for ${title}`, async () => {
      write('faulty.ts', text);
      const { message } = await faultOf(registry);
      expect(message).to.match(words);
      expect(message).to.include(join(folder(), 'faulty.ts'));
    });
  }

  it('is refused when another has the same cell, or a method of it', async () => {
    write('first.ts', cellFile(''));
    for (const second of [cellFile(''), cellFile("row: 'other', recipes: { mine: recipe }")]) {
      write('second.ts', second);
      const { what, where, found } = await faultOf(registry);
      expect(what).to.equal('two files have a recipe for mine of resnet20:resnet8');
      expect(where).to.equal(join(folder(), 'second.ts'));
      expect(found).to.include('first.ts');
    }
  });

  it('is refused when it trains a teacher otherwise than another', async () => {
    const teacher = "row: 'teacher', recipes: { teacher: recipe }";
    write('first.ts', cellFile(teacher));
    write(
      'second.ts',
      cellFile(
        `${teacher.replace('recipe }', '{ ...recipe, epochs: 3 } }')}, pair: 'resnet20:resnet14'`,
      ),
    );
    const { what, found } = await faultOf(registry);
    expect(what).to.equal('two pairs share the teacher resnet20 and train it differently');
    expect(found).to.include('first.ts');
  });

  it('serves every pair with *, where a pair has none of its own, and may follow from the pair', () => {
    write(
      'all.ts',
      cellFile(
        "pair: '*', recipes: { mine: ({ student }) => ({ ...recipe, batchSize: student.length }) }",
      ),
    );
    write('one.ts', cellFile(''));
    const { recipe, methods } = registry();
    expect(methods).to.eql(['mine']);
    expect(recipe({ teacher: 'resnet20', student: 'resnet8' }, 'mine').batchSize).to.equal(4);
    const other = recipe({ teacher: 'resnet20', student: 'resnet14' }, 'mine');
    expect(other.batchSize).to.equal(8);
    expect([other.student, other.method.name]).to.eql(['resnet14', 'mine']);
  });

  it('serves the pairs that have none with the fallback pair’s, but no pair of the paper', async () => {
    write('one.ts', cellFile(''));
    const other = { teacher: 'resnet56', student: 'resnet14' };
    expect(registry().recipe(other, 'mine')).to.include({ student: 'resnet14', batchSize: 4 });
    expect(registry().fallbacks(other, ['mine', 'not there'])).to.eql(['mine']);
    const { what } = await faultOf(() =>
      registry().recipe({ teacher: 'resnet56', student: 'resnet20' }, 'mine'),
    );
    expect(what).to.equal("the method 'mine' has no recipe for resnet56:resnet20");
  });

  it('follows from the pair’s other recipes where it asks for them', () => {
    write('one.ts', cellFile(''));
    write(
      'all.ts',
      cellFile(
        "pair: '*', row: 'twice', recipes: { twice: (pair, recipeOf) => ({ ...recipe, epochs: 2 * recipeOf('mine').epochs }) }",
      ),
    );
    const { epochs, method } = registry().recipe(
      { teacher: 'resnet20', student: 'resnet8' },
      'twice',
    );
    expect([epochs, method.name]).to.eql([4, 'twice']);
  });

  it('is looked for in a folder of this project, where there is one, and in the user’s', async () => {
    write('one.ts', cellFile(''));
    const missing = join(folder(), 'missing');
    const filesFor = (own: string): string[] =>
      definitionsBelow(missing, { NORM_DIRECTION_LAB_RECIPES: own }).map(({ file }) => file);
    expect(filesFor('')).to.eql([]);
    expect(filesFor(folder())).to.eql([join(folder(), 'one.ts')]);
    const { what, where } = await faultOf(() => filesFor(missing));
    expect(what).to.equal('a folder of recipes and data sets has no files');
    expect(where).to.equal(`NORM_DIRECTION_LAB_RECIPES=${missing}`);
  });
});
