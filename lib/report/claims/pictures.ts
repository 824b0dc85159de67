import { paperTable } from '../../paper';
import { bySeedOf, summarise, type Summary } from '../../statistics/summary';
import { outcomeInWords } from '../../statistics/verdicts';
import { currentSettings, settingOf } from './build';
import type { ClaimSources } from './candidates';
import type { ClaimAtGlance, ClaimId } from './model';
import { networksInWords, pairInWords, ranInEpochs } from './words';
import type { DocumentName, PlotsBlock } from '../document';
import { settingInWords } from '../group';
import { baseOf, printedOf } from '../methods';
import { capitalised, toFixed2 } from '../numbers';
import { epochsPicture, lastOf } from '../plots/by-epoch';
import { type PictureWords, sizesPicture } from '../plots/by-size';
import {
  evidenceOf,
  headlineOf,
  intervalsPicture,
  isClear,
  type PicturedComparison,
  signed,
} from '../plots/intervals';
import { aloneStyle, kdStyle, styleAt } from '../plots/style';
import { bySize, methodsOf, millions } from '../study/growing-teachers';
import { rowOf, top1In } from '../study/model';
import { paperRange } from '../table1/gain';

/** A picture and the document that its runs stand in. */
export interface ClaimPicture {
  readonly document: DocumentName;
  /** The part of the document that its runs stand in; null where nothing was run. */
  readonly setting: string | null;
  readonly block: PlotsBlock;
}

/** The pictures' names, below the results directory. */
const files: Readonly<Record<ClaimId | 'curves' | 'weights', string>> = {
  C1: 'claims/c1-nd-over-base',
  C2: 'claims/c2-sifn-over-naive',
  C3: 'claims/c3-cosine-over-infonce',
  C4: 'claims/c4-nd-over-parts',
  C5: 'claims/c5-larger-teachers',
  C6: 'claims/c6-longer-features',
  C7: 'claims/c7-means-over-weights',
  C8: 'claims/c8-detection',
  C9: 'claims/c9-printed-numbers',
  curves: 'claims/curves',
  weights: 'claims/nd-weight',
};

/** The picture of a claim, as a file that lies beside the pages; null where nothing was run. */
export function pictureOf({ id, ran }: ClaimAtGlance): string | null {
  return ran === '' ? null : `${files[id]}.svg`;
}

/**
 * A picture of each claim on the runs that it is judged on, of how these came to their numbers and of what
 * another weight of ND comes to.
 */
export function claimPictures(
  claims: readonly ClaimAtGlance[],
  sources: ClaimSources,
): ClaimPicture[] {
  const own: Partial<Record<ClaimId, (claim: ClaimAtGlance) => PlotsBlock | null>> = {
    C5: (claim) => teachersPicture(claim, sources),
    C6: (claim) => normsPicture(claim, sources),
    C9: printedPicture,
  };
  const ofClaims = claims.flatMap((claim): ClaimPicture[] => {
    const block = own[claim.id]?.(claim) ?? differencesPicture(claim);
    const curves = claim.id === 'C1' ? curvesPicture(claim, sources) : null;
    return [block, ...(curves === null ? [] : [curves])].map((picture) => ({
      document: claim.document,
      setting: settingOf(claim.id, sources),
      block: picture,
    }));
  });
  const weights = weightsPicture(sources);
  return [...ofClaims, ...(weights === null ? [] : [weights])];
}

function wordsOf(claim: ClaimAtGlance, title: string): PictureWords {
  const { id, claim: said, outcome, scale, ran } = claim;
  const verdict = outcomeInWords(outcome, scale);
  const subtitle = `${id}: ${said}. ${capitalised(verdict)}${ran === '' ? '' : `: ${ran}`}`;
  return { title, subtitle, file: files[id] };
}

/** Differences on one axis, the first that was measured in the title. */
function differencesPicture(claim: ClaimAtGlance): PlotsBlock {
  const { unit, comparisons, scale } = claim;
  const measured = comparisons.filter(({ difference }) => difference !== null);
  const rows = (measured.length > 0 ? measured : comparisons)
    .map(({ label, paper, difference }): PicturedComparison => ({
      label: labelOf(claim.id, label),
      paper: paper ?? (claim.id === 'C1' ? rangeOf(label) : null),
      difference,
    }))
    .sort((a, b) => Number(isFirst(b)) - Number(isFirst(a)));
  const [lead] = rows;
  const shown = lead === undefined ? [{ label: claim.claim, paper: null, difference: null }] : rows;
  const title =
    lead === undefined || lead.difference === null
      ? `Not run: ${claim.claim}`
      : `${headlineOf(lead.label.replace('means over', 'class means over classifier'), lead.difference, unit.replace(' of top-1', ''))} (${scale})`;
  const look = { axis: unit, format: signed, zero: true };
  return intervalsPicture(shown, look, wordsOf(claim, title));
}

/** Of several comparisons the one that the title tells, where it is not the first. */
function isFirst({ label }: PicturedComparison): boolean {
  return /^ND over SIFN|InfoNCE, τ = 0\.1$/u.test(label);
}

/** Rows that add a loss to KD say ND for KD + ND: KD is in both. */
function labelOf(id: ClaimId, label: string): string {
  const parts = label.replaceAll('KD + ', '');
  const short = id === 'C4' || id === 'C7' ? parts.replace('KD++', 'ND') : parts;
  if (id === 'C7') return `means over weights, by ${short.split(' over ')[0] ?? ''}`;
  return short;
}

/** The paper's gain over its own pairs. */
function rangeOf(label: string): PicturedComparison['paper'] {
  const [printed] = label.split(' over ');
  const method = paperTable('table1').rows.find((row) => row.printed === printed)?.method;
  const base = method === undefined ? null : baseOf(method);
  return method === undefined || base === null ? null : paperRange(method, base);
}

/** The paper's numbers themselves, of the student alone, the bases and their `++` rows. */
function printedPicture(claim: ClaimAtGlance): PlotsBlock {
  const { rows, pairs } = paperTable('table1');
  const [first] = pairs;
  const name = first?.printed.replace('-', ' → ') ?? '';
  const wanted = rows.filter(
    ({ method }) =>
      method === 'student' ||
      baseOf(method) !== null ||
      rows.some((other) => baseOf(other.method) === method),
  );
  const shown = wanted.map(({ printed, values }): PicturedComparison => {
    const paper = values[first?.pair ?? ''] ?? null;
    const found = claim.comparisons.find(({ label }) => label.split(',')[0] === printed);
    return { label: printed, paper, difference: moved(found?.difference ?? null, paper) };
  });
  const look = { axis: 'top-1 (%)', format: toFixed2, zero: false };
  return intervalsPicture(shown, look, wordsOf(claim, printedTitle(claim, name)));
}

function printedTitle({ comparisons, scale }: ClaimAtGlance, name: string): string {
  const run = comparisons.flatMap(({ label, outcome, difference }) =>
    difference === null ? [] : [{ label, outcome, difference }],
  );
  const [first, ...others] = run;
  if (first === undefined) return `None of the paper’s numbers of ${name} was run`;
  if (others.length === 0) {
    return `${headlineOf(`${first.label} of ${name} over the paper’s number`, first.difference)} (${scale})`;
  }
  const held = run.filter(({ outcome }) => outcome === 'reproduced').length;
  return `${String(held)} of ${String(run.length)} numbers of ${name} shown to lie within half a point of the paper’s (${scale})`;
}

/** A number from its distance to another. */
function moved(apart: Summary | null, by: number | null): Summary | null {
  if (by === null) return null;
  return summarise(new Map([...bySeedOf(apart)].map(([seed, value]) => [seed, value + by])));
}

/** A student's top-1 under each of its teachers, by their size, without ND and with it. */
function teachersPicture(
  claim: ClaimAtGlance,
  { teachers, table2 }: ClaimSources,
): PlotsBlock | null {
  const [first] = claim.comparisons.filter(({ difference }) => difference !== null);
  const lead = first?.difference ?? null;
  const found = [...teachers, ...table2]
    .flatMap(({ setting, pairs }) =>
      bySize(pairs, 'teacher').map(([student, own]) => ({ setting, student, pairs: own })),
    )
    .find(({ setting, student, pairs }) => {
      const names = pairs.map(({ teacher }) => teacher).join(', ');
      return ranInEpochs(setting, pairInWords({ teacher: names, student })) === claim.ran;
    });
  // The comparison is named after its method.
  const [name] = first?.label.split(',') ?? [];
  const method = found && methodsOf(found.pairs).find((one) => printedOf(one) === name);
  const base = method === undefined ? null : baseOf(method);
  if (lead === null || found === undefined || method === undefined || base === null) return null;
  const gain = `${Math.abs(lead.mean).toFixed(1)} points`;
  return sizesPicture(
    {
      axis: `top-1 of ${found.student} (%)`,
      digits: 1,
      sizes: found.pairs.map(({ teacher, teacherParameters, teacherTop1 }) => ({
        name: teacher,
        facts: [
          millions(teacherParameters),
          ...(teacherTop1 === null ? [] : [`itself ${teacherTop1.toFixed(1)} %`]),
        ],
      })),
      series: [base, method].map((one) => ({
        label: printedOf(one),
        style: one === base ? kdStyle : styleAt(0),
        values: found.pairs.map((pair) => top1In(pair, one)),
      })),
    },
    wordsOf(
      claim,
      `Under a teacher of ten times the size ${printedOf(method)} ${lead.mean < 0 ? 'loses' : 'gains'} ${gain}, ${evidenceOf(lead)} (${claim.scale})`,
    ),
  );
}

/** The norms of the networks that were trained as teachers, by their size, and of a student under KD. */
function normsPicture(claim: ClaimAtGlance, { norm }: ClaimSources): PlotsBlock | null {
  const found = norm
    .flatMap(({ setting, family, pairs }) => pairs.map((pair) => ({ setting, family, pair })))
    .find(({ setting, family, pair }) => {
      const networks = family.map(({ model }) => model);
      return ranInEpochs(setting, networksInWords(networks, pair)) === claim.ran;
    });
  if (found === undefined) return null;
  const { family, pair } = found;
  const differenceFor = (what: string) =>
    claim.comparisons.find(({ label }) => label.endsWith(what))?.difference ?? null;
  const [slope, shorter, asLong] = [
    differenceFor('times as large'),
    differenceFor('under KD'),
    differenceFor('alone'),
  ];
  const told = [
    ...(slope ? [`${longer(slope.mean)} for ten times the parameters`] : []),
    ...(shorter
      ? [
          `${longer(-shorter.mean)} in a student under KD than in its teacher, ${evidenceOf(shorter.mean < 0 ? turned(shorter) : shorter)}`,
        ]
      : []),
    ...(asLong
      ? [
          `${isClear(asLong) ? longer(-asLong.mean) : 'neither shorter nor longer'} in one alone, ${evidenceOf(isClear(asLong) && asLong.mean < 0 ? turned(asLong) : asLong)}`,
        ]
      : []),
  ];
  const students = (['student', 'kd'] as const).flatMap((method) => {
    const value = rowOf(pair, method)?.studentNorm ?? null;
    const known = method === 'student' && family.some(({ model }) => model === pair.student);
    const how = method === 'kd' ? `KD from ${pair.teacher}` : 'alone';
    return value === null || known ? [] : [{ value, how }];
  });
  return sizesPicture(
    {
      axis: 'mean norm of the features',
      digits: 2,
      sizes: [
        ...family.map(({ model, parameters }) => ({
          name: model,
          facts: [millions(parameters), 'alone'],
        })),
        ...students.map(({ how }) => ({
          name: pair.student,
          facts: [millions(pair.studentParameters), how],
        })),
      ],
      series: [
        {
          label: 'norm',
          style: styleAt(0),
          values: [
            ...family.map(({ norm: own }) => summarise(new Map([[0, own]]))),
            ...students.map(({ value }) => value),
          ],
        },
      ],
    },
    wordsOf(claim, `Features: ${told.join(', ')} (${claim.scale})`),
  );
}

/** A difference the other way round, as far as its evidence goes. */
function turned({ n, interval }: Summary): Pick<Summary, 'n' | 'interval'> {
  return { n, interval: interval && { low: -interval.high, high: -interval.low } };
}

function longer(by: number): string {
  return `${Math.abs(by).toFixed(1)} ${by < 0 ? 'shorter' : 'longer'}`;
}

/** ND beside KD at several weights, in the setting that the ablation is judged on; null for fewer than two. */
function weightsPicture(sources: ClaimSources): ClaimPicture | null {
  const judged = currentSettings(sources, 'ablation');
  const groups = sources.ablation.filter(({ setting }) => judged.has(settingInWords(setting)));
  const [found] = onPairs(groups).flatMap(({ setting, pair }) => {
    const rows = pair.rows.flatMap(({ method, ndWeight, overBase }) =>
      /^kd(\+\+|\+nd-x[\d.]+)$/u.test(method) && ndWeight !== null && overBase !== null
        ? [{ method, ndWeight, overBase }]
        : [],
    );
    return rows.length < 2 ? [] : [{ setting, pair, rows }];
  });
  if (found === undefined) return null;
  const { setting, pair } = found;
  const rows = found.rows.sort((a, b) => a.ndWeight - b.ndWeight);
  const told = rows.map(
    ({ ndWeight, overBase: { mean } }) => `${signed(mean)} at ${String(ndWeight)}`,
  );
  const seeds = [...new Set(rows.map(({ overBase }) => overBase.n))].sort((a, b) => a - b);
  const block = intervalsPicture(
    rows.map(({ method, ndWeight, overBase }) => ({
      label: `weight ${String(ndWeight)}${method === 'kd++' ? ' (KD++)' : ''}`,
      paper: null,
      difference: overBase,
    })),
    { axis: 'points of top-1 over KD', format: signed, zero: true },
    {
      title: `ND’s weight, points over KD: ${told.join(', ')}, n = ${seeds.join(' or ')} (${pair.claimScale})`,
      subtitle: `${capitalised(ranInEpochs(setting, pairInWords(pair)))}: ND beside KD, over KD on the same seeds`,
      file: files.weights,
    },
  );
  return { document: 'ablation', setting: settingInWords(setting), block };
}

/** The pairs of all settings. */
function onPairs<Setting, Pair>(
  groups: readonly { readonly setting: Setting; readonly pairs: readonly Pair[] }[],
): { setting: Setting; pair: Pair }[] {
  return groups.flatMap(({ setting, pairs }) => pairs.map((pair) => ({ setting, pair })));
}

/** How the first `++` row, its base and the student alone came to their numbers. */
function curvesPicture(claim: ClaimAtGlance, { table1 }: ClaimSources): PlotsBlock | null {
  // Of several pairs the first.
  const ran = claim.ran.replace(/; .*(?=, \d+ epochs$)/u, '');
  const curves =
    onPairs(table1.groups).find(
      ({ setting, pair }) => ranInEpochs(setting, pairInWords(pair)) === ran,
    )?.pair.curves ?? [];
  const of = (method: string) => curves.filter((curve) => curve.method === method);
  const [plus, base, student] = [of('kd++'), of('kd'), of('student')];
  if (plus.length === 0 || base.length === 0) return null;
  const ends = (own: typeof plus): string => {
    const [top1, norm, cosine] = [
      lastOf(own, (curve) => curve.top1),
      lastOf(own, (curve) => curve.studentNorm),
      lastOf(own, (curve) => curve.cosine),
    ];
    return `${top1?.toFixed(1) ?? '–'} %, norm ${norm?.toFixed(1) ?? '–'}${cosine === null ? '' : `, cosine ${cosine.toFixed(2)}`}`;
  };
  const seeds =
    plus.length === base.length
      ? String(plus.length)
      : `${String(plus.length)} and ${String(base.length)}`;
  return epochsPicture(
    [
      { label: 'KD++', style: styleAt(0), curves: plus },
      { label: 'KD', style: kdStyle, curves: base },
      ...(student.length === 0 ? [] : [{ label: 'alone', style: aloneStyle, curves: student }]),
    ],
    {
      title: `KD++ ends at ${ends(plus)}; KD at ${ends(base)}, n = ${seeds} (${claim.scale})`,
      subtitle: `${capitalised(claim.ran)}: lines are means over the seeds, bands go from the smallest to the largest`,
      file: files.curves,
    },
  );
}
