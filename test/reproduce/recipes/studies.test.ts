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
    for (const rows of Object.values(studyMethods)) {
      expect(new Set(rows.map(({ id }) => id)).size).to.equal(rows.length);
      expect(new Set(rows.map(({ label }) => label)).size).to.equal(rows.length);
      expect(rows.every(({ label, note }) => label !== '' && note !== '')).to.equal(true);
    }
  });

  it('stand in their tables’ order, what they are compared with first', () => {
    const orders = Object.entries(studyMethods).map(([name, rows]) => [
      name,
      rows.map(({ id }) => id).join(' '),
    ]);
    expect(Object.fromEntries(orders)).to.eql({
      norm:
        'student kd kd+norm kd+norm-x10 kd+feature kd+feature-x10 kd+sifn-r0.1 kd+sifn-r0.5 kd+sifn kd+sifn-r2 ' +
        'kd+sifn-last-visit kd+sifn-last-visit-x10 kd+sifn-exact kd+sifn-exact-x10',
      direction:
        'kd kd+cosine kd+infonce-t0.05 kd+infonce kd+infonce-t0.5 kd+infonce-t1 kd+infonce-x10 ' +
        'kd+classifier kd++ kd+nd-classifier',
      ablation:
        'kd kd+sifn kd+cosine kd+sifn+cosine kd++ kd+nd-detached kd+nd-teacher-norm kd+nd-earlier ' +
        'kd+nd-logits kd+nd-x0.25 kd+nd-x0.5 kd+nd-x2 kd+nd-x4',
      teachers: 'student kd kd++ dkd dkd++ reviewkd reviewkd++',
    });
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

  // In the place of ND at the weight 2 of resnet56 → resnet20, which lends it to resnet20 → resnet8.
  const detached = { loss: 'sifn', weight: 0.05, step: 1, previousNorm: 'detached' };
  const lastVisit = { ...detached, previousNorm: 'lastVisit' };
  const exact = { ...detached, previousNorm: 'exact' };
  const cosine = { loss: 'directionCosine', weight: 2 };
  const nce = (weight: number, temperature: number): object => ({
    ...{ loss: 'directionInfoNce', weight, temperature },
  });
  const nd = { loss: 'normDirection', weight: 2 };
  const values: [id: string, ...terms: object[]][] = [
    ['kd++', nd],
    ['kd+norm', { loss: 'naiveNorm', weight: 0.05 }],
    ['kd+norm-x10', { loss: 'naiveNorm', weight: 0.5 }],
    ['kd+feature', { loss: 'naiveFeature', weight: 2 }],
    ['kd+feature-x10', { loss: 'naiveFeature', weight: 20 }],
    ['kd+sifn-r0.1', { ...detached, step: 0.1 }],
    ['kd+sifn-r0.5', { ...detached, step: 0.5 }],
    ['kd+sifn', detached],
    ['kd+sifn-r2', { ...detached, step: 2 }],
    ['kd+sifn-last-visit', lastVisit],
    ['kd+sifn-last-visit-x10', { ...lastVisit, weight: 0.5 }],
    ['kd+sifn-exact', exact],
    ['kd+sifn-exact-x10', { ...exact, weight: 0.5 }],
    ['kd+cosine', cosine],
    ['kd+infonce-t0.05', nce(0.1, 0.05)],
    ['kd+infonce', nce(0.2, 0.1)],
    ['kd+infonce-t0.5', nce(1, 0.5)],
    ['kd+infonce-t1', nce(2, 1)],
    ['kd+infonce-x10', nce(2, 0.1)],
    ['kd+classifier', { ...cosine, directions: 'classifier' }],
    ['kd+nd-classifier', { ...nd, directions: 'classifier' }],
    ['kd+sifn+cosine', detached, cosine],
    ['kd+nd-detached', { ...nd, norm: 'max detached' }],
    ['kd+nd-teacher-norm', { ...nd, norm: 'teacher' }],
    ['kd+nd-earlier', { loss: 'normDirectionAt', weight: 2, place: 'earlier stage' }],
    ['kd+nd-logits', { loss: 'normDirectionAt', weight: 2, place: 'logits' }],
    ['kd+nd-x0.25', { ...nd, weight: 0.5 }],
    ['kd+nd-x0.5', { ...nd, weight: 1 }],
    ['kd+nd-x2', { ...nd, weight: 4 }],
    ['kd+nd-x4', { ...nd, weight: 8 }],
  ];
  for (const [id, ...terms] of values) {
    it(`have these values: ${id}`, () => expect(ownTerms(id)).to.eql(terms));
  }

  it('are all among these', () => {
    expect(values.map(([id]) => id)).to.have.members([...own, 'kd++']);
  });

  it('weigh what they add in proportion to the pair’s ND', () => {
    const half = pairOf('resnet32x4:ShuffleV2');
    expect(ownTerms('kd++', half)[0]?.weight).to.equal(0.5);
    for (const id of own) {
      const weights = (pair = lent): number[] => ownTerms(id, pair).map(({ weight }) => weight);
      weights(half).forEach((weight, index) => {
        expect(4 * weight, id).to.be.closeTo(weights()[index] ?? NaN, 1e-12);
      });
    }
  });
});

function pairOf(name: string): typeof lent {
  const [teacher = '', student = ''] = name.split(':');
  return { teacher, student };
}
