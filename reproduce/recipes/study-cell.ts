import type { LossTerm, NormDirectionTerm } from '../../lib/distill/terms';
import { LabError } from '../../lib/errors';
import type { StudyMethod as StudyRow } from '../../lib/report/study/names';
import { type Pair, pairName } from '../../lib/runs/grid';
import { table1Recipe } from './table1';
import { type CellRecipe, everyPair, type Table1Cell } from './table1-cell';

/** A row of a study: KD with other terms in the place of the pair's ND term. */
export interface StudyMethod extends StudyRow {
  /** @param ndWeight of the pair's KD++; rows of one study stand in a fixed relation to it. */
  readonly terms: (ndWeight: number) => readonly LossTerm[];
}

/** The cells of a study's own rows, for every pair. */
export function studyCells(study: string, methods: readonly StudyMethod[]): Table1Cell[] {
  return methods.map(({ id, terms }) => ({
    study,
    pair: everyPair,
    row: id,
    expected: null,
    recipes: { [id]: (pair: Pair) => insteadOfNormDirection(pair, terms) },
  }));
}

/** The pair's KD++ recipe with other terms in the place of ND: all else is the same, so that they compare. */
function insteadOfNormDirection(pair: Pair, terms: StudyMethod['terms']): CellRecipe {
  const { student: _, method, ...rest } = table1Recipe(pair, 'kd++');
  const nd = method.terms.find((term): term is NormDirectionTerm => term.loss === 'normDirection');
  if (nd === undefined) {
    throw new LabError({
      kind: 'option',
      what: 'a study puts other terms in the place of the ND term of a pair’s kd++ recipe, and it has none',
      where: pairName(pair),
      found: method.terms.map(({ loss }) => loss).join(', '),
      remedy: 'Give its kd++ a normDirection term',
    });
  }
  return {
    ...rest,
    terms: method.terms.flatMap((term) => (term === nd ? terms(nd.weight) : term)),
  };
}
