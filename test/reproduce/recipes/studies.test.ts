import { expect } from 'chai';
import type { LossTerm } from '../../../lib/distill/terms';
import { hashJson } from '../../../lib/records';
import type { TrainingRecipe } from '../../../lib/train/recipe';
import { studyMethodIds, studyMethods } from '../../../reproduce/recipes/studies';
import { paperPairs, table1Methods, table1Recipe } from '../../../reproduce/recipes/table1';

const lent = { teacher: 'resnet20', student: 'resnet8' };
const recipeOf = (method: string, pair = lent): TrainingRecipe => table1Recipe(pair, method);

/** What a row has beside cross entropy and KD. */
function ownTerms(method: string, pair = lent): readonly LossTerm[] {
  return recipeOf(method, pair).method.terms.filter(
    ({ loss }) => loss !== 'crossEntropy' && loss !== 'kd',
  );
}

describe('the rows of the studies', () => {
  const own = studyMethodIds().filter((id) => !table1Methods().includes(id));

  it('stand in no table but their own, each with a label and a note', () => {
    expect(own.every((id) => id.startsWith('kd+'))).to.equal(true);
    expect(own).to.include.members(['kd+sifn', 'kd+cosine', 'kd+sifn+cosine', 'kd+nd-detached']);
    for (const rows of Object.values(studyMethods)) {
      expect(new Set(rows.map(({ id }) => id)).size).to.equal(rows.length);
      expect(new Set(rows.map(({ label }) => label)).size).to.equal(rows.length);
      expect(rows.every(({ label, note }) => label !== '' && note !== '')).to.equal(true);
    }
  });

  it('begin with what they are compared with', () => {
    expect(studyMethods.norm[0]?.id).to.equal('kd');
    expect(studyMethods.direction[0]?.id).to.equal('kd');
    expect(studyMethods.ablation.slice(0, 5).map(({ id }) => id)).to.eql([
      'kd',
      'kd+sifn',
      'kd+cosine',
      'kd+sifn+cosine',
      'kd++',
    ]);
  });

  it('are the pair’s KD++ but for the terms in the place of ND', () => {
    for (const pair of [lent, ...paperPairs.map(pairOf)]) {
      const { method: plusPlus, ...rest } = recipeOf('kd++', pair);
      const base = plusPlus.terms.filter(({ loss }) => loss !== 'normDirection');
      for (const id of own) {
        const { method, ...others } = recipeOf(id, pair);
        expect(others, id).to.eql(rest);
        expect(method.name).to.equal(id);
        expect(method.terms.slice(0, base.length), id).to.eql(base);
        expect(method.terms.length, id).to.be.greaterThan(base.length);
      }
    }
  });

  it('all train differently', () => {
    const hashes = studyMethodIds().map((id) => hashJson(recipeOf(id).method.terms));
    expect(new Set(hashes).size).to.equal(hashes.length);
  });

  it('weigh what they add in proportion to the pair’s ND', () => {
    const half = pairOf('resnet32x4:ShuffleV2');
    expect(ownTerms('kd++')[0]?.weight).to.equal(2);
    expect(ownTerms('kd++', half)[0]?.weight).to.equal(0.5);
    for (const id of own) {
      const weights = (pair = lent): number[] => ownTerms(id, pair).map(({ weight }) => weight);
      weights(half).forEach((weight, index) => {
        expect(4 * weight, id).to.be.closeTo(weights()[index] ?? NaN, 1e-12);
      });
    }
    expect(ownTerms('kd+sifn')).to.eql([
      { loss: 'sifn', weight: 0.05, step: 1, previousNorm: 'detached' },
    ]);
    expect(ownTerms('kd+infonce')).to.eql([
      { loss: 'directionInfoNce', weight: 0.2, temperature: 0.1 },
    ]);
  });

  it('leave KD++ the recipe that it had before ND had variants', () => {
    expect(ownTerms('kd++')).to.eql([{ loss: 'normDirection', weight: 2 }]);
  });
});

function pairOf(name: string): typeof lent {
  const [teacher = '', student = ''] = name.split(':');
  return { teacher, student };
}
