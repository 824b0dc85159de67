import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import { gridOf, parseMethods, parsePairs, parseSeeds } from '../../lib/runs/grid';

describe('the grid of a study', () => {
  it('reads pairs, methods and seeds', () => {
    expect(parsePairs('resnet56:resnet20, resnet32x4:resnet8x4')).to.deep.equal([
      { teacher: 'resnet56', student: 'resnet20' },
      { teacher: 'resnet32x4', student: 'resnet8x4' },
    ]);
    expect(parseMethods('kd,kd++', ['student', 'kd', 'kd++'])).to.deep.equal(['kd', 'kd++']);
    expect(parseSeeds('3,1')).to.deep.equal([3, 1]);
  });

  it('runs whole comparisons seed by seed', () => {
    const cells = gridOf([{ teacher: 't', student: 's' }], ['kd', 'kd++'], [1, 2]);
    expect(cells.map(({ method, seed }) => `${method} ${seed}`)).to.deep.equal([
      'kd 1',
      'kd++ 1',
      'kd 2',
      'kd++ 2',
    ]);
  });

  const mistakes: [string, () => unknown, string][] = [
    ['a typo in a model', () => parsePairs('resnet56:resnet02'), "unknown model 'resnet02'"],
    ['a pair without a student', () => parsePairs('resnet56'), 'Write resnet56:resnet20'],
    ['three models', () => parsePairs('a:b:c'), "found 'a:b:c'"],
    ['a typo in a method', () => parseMethods('kd+', ['kd', 'kd++']), "Did you mean 'kd'"],
    ['an empty name', () => parseMethods('kd,', ['kd']), '--methods'],
    ['a name twice', () => parseSeeds('1,1'), "'1' twice"],
    ['a seed twice in other words', () => parseSeeds('1,01'), "found 1 twice in '1,01'"],
    ['a seed that is no whole number', () => parseSeeds('1.5'), "found '1.5'"],
    ['a negative seed', () => parseSeeds('-1'), "found '-1'"],
  ];
  for (const [title, parse, words] of mistakes) {
    it(`refuses ${title}`, () => {
      expect(parse).to.throw(LabError, words);
    });
  }
});
