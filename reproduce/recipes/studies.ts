import {
  directionCosine,
  directionInfoNce,
  type LossTerm,
  naiveFeature,
  naiveNorm,
  normDirection,
  normDirectionAt,
  type NormDirectionTerm,
  type PreviousNorm,
  sifn,
} from '../../lib/distill/terms';
import { optionError } from '../../lib/errors';
import type { StudyMethod as StudyRow, StudyName } from '../../lib/report/study/model';
import { pairName } from '../../lib/runs/grid';
import type { TrainingRecipe } from '../../lib/train/recipe';
import { type CellRecipe, everyPair, type Table1Cell } from './table1-cell';

/** A row of a study: the pair's KD++ with other terms in the place of ND, all else the same. */
interface StudyMethod extends StudyRow {
  /** From the weight of ND in the pair's KD++: rows of one study stand in a fixed relation to it. */
  readonly terms: (nd: number) => readonly LossTerm[];
}

/** Rows that table 1 has too. */
const tableRows: readonly StudyRow[] = [
  { id: 'student', label: 'Student alone', note: 'cross entropy alone' },
  { id: 'kd', label: 'KD', note: 'the recipe of KD++ with the ND weight 0' },
  { id: 'kd++', label: 'KD++ (ND)', note: 'KD with the ND loss: the larger norm, class means' },
  { id: 'dkd', label: 'DKD', note: 'the recipe of DKD++ with the ND weight 0' },
  { id: 'dkd++', label: 'DKD++', note: 'DKD with the ND loss' },
  { id: 'reviewkd', label: 'ReviewKD', note: 'the recipe of ReviewKD++ with the ND weight 0' },
  { id: 'reviewkd++', label: 'ReviewKD++', note: 'ReviewKD with the ND loss' },
];

/**
 * The weight of losses that are squared differences of norms, which are of another scale than ND. The
 * paper prints neither SIFN's step nor any weight: 0.05 beside ND's 2 is that of the published code of the
 * loss that SIFN follows (arXiv 1811.07456), with which a step of 1 pushes each norm by 0.1, about as hard
 * as ND does.
 */
const norm = (nd: number): number => nd / 40;

/** With the norm held constant SIFN's gradient depends on weight × step alone. */
const detached = 'previous norm: the current one held constant';

/** Norm: longer features by the naive loss in both its readings, and by SIFN. */
const normMethods: readonly StudyMethod[] = [
  row('kd+norm', 'KD + naive norm', '(‖f_s‖ − ‖f_t‖)², at a fortieth of ND’s weight', (nd) => [
    naiveNorm({ weight: norm(nd) }),
  ]),
  row('kd+norm-x10', 'KD + naive norm, × 10', 'the same at ten times the weight', (nd) => [
    naiveNorm({ weight: norm(nd) * 10 }),
  ]),
  row(
    'kd+feature',
    'KD + naive feature',
    'mean of (f_s − f_t)² over the numbers, at ND’s weight',
    (nd) => [naiveFeature({ weight: nd })],
  ),
  row('kd+feature-x10', 'KD + naive feature, × 10', 'the same at ten times the weight', (nd) => [
    naiveFeature({ weight: nd * 10 }),
  ]),
  sifnRow('-r0.1', 'r = 0.1', detached, { step: 0.1 }),
  sifnRow('-r0.5', 'r = 0.5', detached, { step: 0.5 }),
  sifnRow('', 'r = 1', detached, {}),
  sifnRow('-r2', 'r = 2', detached, { step: 2 }),
  ...visited('last-visit', 'last visit', 'lastVisit', 'the sample’s when it was last seen'),
  ...visited('exact', 'exact', 'exact', 'under the weights before the last step'),
];

/** Direction: cosine against InfoNCE, class means against the weights of the teacher's classifier. */
const directionMethods: readonly StudyMethod[] = [
  row(
    'kd+cosine',
    'KD + cosine',
    '1 − cos(f_s, c_y); the same as ND with the student’s norm always',
    (nd) => [directionCosine({ weight: nd })],
  ),
  infoNceRow('-t0.05', 0.05),
  infoNceRow('', 0.1),
  infoNceRow('-t0.5', 0.5),
  infoNceRow('-t1', 1),
  row('kd+infonce-x10', 'KD + InfoNCE, τ = 0.1, × 10', 'at ND’s weight itself', (nd) => [
    directionInfoNce({ weight: nd, temperature: 0.1 }),
  ]),
  row(
    'kd+classifier',
    'KD + cosine, classifier',
    'cosine to the teacher’s classifier weights of the class in the place of its mean',
    (nd) => [directionCosine({ weight: nd, directions: 'classifier' })],
  ),
  row(
    'kd+nd-classifier',
    'KD + ND, classifier',
    'ND along the teacher’s classifier weights of the class in the place of its mean',
    (nd) => [normDirection({ weight: nd, directions: 'classifier' })],
  ),
];

/** Norm alone and direction alone are rows of the norm and direction studies. */
const ablationMethods: readonly StudyMethod[] = [
  row('kd+sifn+cosine', 'KD + SIFN + cosine', 'norm and direction as two losses', (nd) => [
    sifn({ weight: norm(nd) }),
    directionCosine({ weight: nd }),
  ]),
  row('kd+nd-detached', 'KD + ND, norm constant', 'the larger norm held constant', (nd) => [
    normDirection({ weight: nd, norm: 'max detached' }),
  ]),
  row('kd+nd-teacher-norm', 'KD + ND, teacher’s norm', 'the teacher’s norm always', (nd) => [
    normDirection({ weight: nd, norm: 'teacher' }),
  ]),
  row(
    'kd+nd-earlier',
    'KD + ND, one stage earlier',
    'on the pooled feature of the last stage but one, with class means there',
    (nd) => [normDirectionAt({ weight: nd, place: 'earlier stage' })],
  ),
  row('kd+nd-logits', 'KD + ND, logits', 'on the logits, with class means there', (nd) => [
    normDirectionAt({ weight: nd, place: 'logits' }),
  ]),
  ...[0.25, 0.5, 2, 4].map((times) =>
    row(`kd+nd-x${times}`, `KD + ND, × ${times}`, `at ${times} times ND’s weight`, (nd) => [
      normDirection({ weight: nd * times }),
    ]),
  ),
];

const studies = { norm: normMethods, direction: directionMethods, ablation: ablationMethods };

/** The rows of each study, in its table's order; the recipe of each is `table1Recipe(pair, id)`. */
export const studyMethods: Readonly<Record<StudyName, readonly StudyRow[]>> = {
  norm: rows('student', 'kd', ...idsOf(normMethods)),
  direction: rows(
    'kd',
    ...idsOf(directionMethods).filter((id) => id !== 'kd+nd-classifier'),
    'kd++',
    'kd+nd-classifier',
  ),
  ablation: rows(
    'kd',
    'kd+sifn',
    'kd+cosine',
    'kd+sifn+cosine',
    'kd++',
    ...idsOf(ablationMethods).filter((id) => id !== 'kd+sifn+cosine'),
  ),
  teachers: tableRows,
};

/** All methods of all studies, each once. */
export function studyMethodIds(): string[] {
  return [...new Set(Object.values(studyMethods).flatMap(idsOf))];
}

/** The cells of the studies' own rows, for every pair. */
export const studyCells: readonly Table1Cell[] = Object.entries(studies).flatMap(
  ([study, methods]) =>
    methods.map(({ id, terms }) => ({
      study,
      pair: everyPair,
      row: id,
      recipes: {
        [id]: (pair, recipeOf) => insteadOfNormDirection(recipeOf('kd++'), terms, pairName(pair)),
      },
    })),
);

function insteadOfNormDirection(
  { student: _, method, ...rest }: TrainingRecipe,
  terms: StudyMethod['terms'],
  where: string,
): CellRecipe {
  const nd = method.terms.find((term): term is NormDirectionTerm => term.loss === 'normDirection');
  if (nd === undefined) {
    throw optionError`a study puts other terms in the place of the ND term of a pair’s kd++ recipe, and it has none (${where}): found ${method.terms.map(({ loss }) => loss).join(', ')}. Give its kd++ a normDirection term`;
  }
  return {
    ...rest,
    terms: method.terms.flatMap((term) => (term === nd ? terms(nd.weight) : term)),
  };
}

function row(id: string, label: string, note: string, terms: StudyMethod['terms']): StudyMethod {
  return { id, label, note, terms };
}

function sifnRow(
  ending: string,
  label: string,
  note: string,
  {
    step = 1,
    previousNorm = 'detached',
    times = 1,
  }: { step?: number; previousNorm?: PreviousNorm; times?: number },
): StudyMethod {
  return row(`kd+sifn${ending}`, `KD + SIFN, ${label}`, note, (nd) => [
    sifn({ weight: norm(nd) * times, step, previousNorm }),
  ]);
}

/** SIFN against a kind of previous norm that is not the current one, at two weights. */
function visited(
  ending: string,
  label: string,
  previousNorm: PreviousNorm,
  note: string,
): StudyMethod[] {
  return [
    sifnRow(`-${ending}`, `r = 1, ${label}`, `previous norm: ${note}`, { previousNorm }),
    sifnRow(`-${ending}-x10`, `r = 1, ${label}, × 10`, 'the same at ten times the weight', {
      previousNorm,
      times: 10,
    }),
  ];
}

/**
 * InfoNCE's gradient grows with 1 / temperature: at ND's weight × temperature the pull to the own mean
 * begins as cosine's.
 */
function infoNceRow(ending: string, temperature: number): StudyMethod {
  return row(
    `kd+infonce${ending}`,
    `KD + InfoNCE, τ = ${temperature}`,
    'over all class means, at ND’s weight × τ',
    (nd) => [directionInfoNce({ weight: nd * temperature, temperature })],
  );
}

function rows(...ids: string[]): StudyRow[] {
  const known: readonly StudyRow[] = [...tableRows, ...Object.values(studies).flat()];
  return ids.map((id) => {
    const found = known.find((candidate) => candidate.id === id);
    if (found === undefined) throw new Error(`no row ${id}`);
    const { label, note } = found;
    return { id, label, note };
  });
}

function idsOf(methods: readonly StudyRow[]): string[] {
  return methods.map(({ id }) => id);
}
