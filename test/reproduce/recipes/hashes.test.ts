import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { detectorNames } from '../../../lib/runs/detection-recipe';
import { hashJson } from '../../../lib/records';
import { type Scale, scales } from '../../../lib/runs/schema';
import { type Pair, pairName, parsePairs } from '../../../lib/runs/grid';
import { gridSettings, type GridStudy } from '../../../reproduce/grid/settings';
import { studyMethodIds } from '../../../reproduce/recipes/studies';
import * as table1 from '../../../reproduce/recipes/table1';
import * as table2 from '../../../reproduce/recipes/table2';
import * as table3 from '../../../reproduce/recipes/table3';
import { table1Study } from '../../../reproduce/table1';
import { table2Study } from '../../../reproduce/table2';
import { table3Study } from '../../../reproduce/table3';

const fixture = join(__dirname, '..', '..', 'fixtures', 'recipe-hashes.json');

type Recipes = [name: string, recipe: unknown][];

const common = { results: '', resume: true, seeds: '1' };
/** A pair of the paper, and one that takes its recipes. */
const scaled = {
  table1: 'resnet56:resnet20,resnet20:resnet8',
  table2: 'resnet34:resnet18,regnety_160:deit_base_distilled_patch16_224',
};

function ofTable1(): Recipes {
  const pairs = parsePairs([...table1.paperPairs, 'resnet20:resnet8'].join(','));
  const methods = [...table1.table1Methods(), ...studyMethodIds()];
  return [
    ...cellsOf(pairs, [...new Set(methods)], table1.table1Recipe),
    ...teachersOf(pairs, table1.table1TeacherRecipe),
  ];
}

function ofTable2(): Recipes {
  const lent = 'resnet34_half:resnet18_half,regnety_002:deit_tiny_distilled_patch16_224';
  const pairs = parsePairs([...table2.paperPairs, lent].join(','));
  return [
    ...pairs.flatMap((pair) =>
      cellsOf(
        [pair],
        table2.table2Methods().filter((method) => table2.hasTable2Cell(pair, method)),
        table2.table2Recipe,
      ),
    ),
    ...teachersOf(pairs, table2.table2TeacherRecipe),
  ];
}

function ofTable3(): Recipes {
  const names = [...table3.paperPairs, 'r34-small:r18-small'].join(',');
  const pairs = parsePairs(names, '--pairs', detectorNames);
  return [
    ...cellsOf(pairs, table3.table3Methods(), (pair, method) => table3.table3Recipe(pair, method)),
    ...teachersOf(pairs, (teacher) => table3.table3TeacherRecipe(teacher)),
  ];
}

function cellsOf(
  pairs: readonly Pair[],
  methods: readonly string[],
  recipe: (pair: Pair, method: string) => unknown,
): Recipes {
  return pairs.flatMap((pair) =>
    methods.map((method): Recipes[number] => [`${pairName(pair)} ${method}`, recipe(pair, method)]),
  );
}

function teachersOf(pairs: readonly Pair[], recipe: (teacher: string) => unknown): Recipes {
  const teachers = new Set(pairs.map(({ teacher }) => teacher));
  return [...teachers].map((teacher) => [`${teacher} teacher`, recipe(teacher)]);
}

/** As a scale of the command shortens them. */
function atScale(study: GridStudy, scale: Scale, pairs: string): Recipes {
  const settings = gridSettings(study, {
    ...{ ...common, scale, pairs, methods: study.methods().join(',') },
    // The embedded images stand for a folder of one's own.
    ...(scale === 'short' ? { data: 'fashion-mnist' } : {}),
  });
  return [
    ...settings.cells.map((cell): Recipes[number] => [
      `${pairName(cell)} ${cell.method}`,
      settings.recipeOf(cell),
    ]),
    ...teachersOf(settings.pairs, settings.teacherRecipeOf),
  ];
}

function ofDetectorsAtScale(scale: Scale): Recipes {
  const settings = gridSettings(table3Study, {
    ...{ ...common, scale, data: 'shapes', teachers: 'trained' },
    pairs: 'r34-small:r18-small,r101-fpn:r18-fpn',
    methods: table3.table3Methods().join(','),
  });
  return [
    ...settings.cells.map((cell): Recipes[number] => [
      `${pairName(cell)} ${cell.method}`,
      settings.recipeOf(cell),
    ]),
    ...teachersOf(settings.pairs, settings.teacherRecipeOf),
  ];
}

function othersAtScale(scale: Scale): [string, () => Recipes][] {
  return [
    [`table 2 at scale ${scale}`, () => atScale(table2Study, scale, scaled.table2)],
    [`table 3 at scale ${scale}`, () => ofDetectorsAtScale(scale)],
  ];
}

describe('the hashes of recipes', () => {
  // Runs on disk are bound to them: a recipe that changes refuses to go on with them. One that is new adds
  // its line to the file.
  const held = JSON.parse(readFileSync(fixture, 'utf8')) as Record<string, Record<string, string>>;

  const lists: [name: string, list: () => Recipes][] = [
    ['table 1 and its studies', ofTable1],
    ['table 2', ofTable2],
    ['table 3', ofTable3],
    ...scales.flatMap((scale): [string, () => Recipes][] => [
      [`table 1 at scale ${scale}`, () => atScale(table1Study, scale, scaled.table1)],
      // The others have no such scale.
      ...(scale === 'reduced' ? [] : othersAtScale(scale)),
    ]),
  ];
  for (const [name, list] of lists) {
    it(`are what they were: ${name}`, () => {
      const now = list().map(([cell, recipe]): [string, string] => [cell, hashJson(recipe)]);
      expect(Object.fromEntries(now)).to.eql(held[name]);
    });
  }

  it('are held for nothing else', () => {
    expect(Object.keys(held)).to.have.members(lists.map(([name]) => name));
  });
});
