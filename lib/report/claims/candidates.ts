import { scales } from '../../runs/schema';
import type { DetectionRun } from '../../runs/store';
import { summarise, withAdjustedPs } from '../../statistics/summary';
import {
  type ClaimOutcome,
  type ClaimScale,
  claimScales,
  verdictOnClaim,
} from '../../statistics/verdicts';
import type { DocumentName } from '../document';
import { settingInWords } from '../group';
import { baseOf, printedOf } from '../methods';
import type { RunReference } from '../run-record';
import { type Claim, type JudgedClaim, judgedOn } from '../study/claims';
import { bySize, judgedTrends, methodsOf } from '../study/growing-teachers';
import { rowOf, type StudyGroup, type StudyPair } from '../study/model';
import { normTrend } from '../study/norm';
import type { Table1, Table1Pair, Table1Row } from '../table1/model';
import {
  isFinishedDetection,
  labelOf as detectorLabelOf,
  otherLength,
  type Table3Group,
  table3SettingInWords,
} from '../table3/model';
import { type Verdict, weakestScale } from '../verdict';
import type { ClaimComparison } from './model';
import { networksInWords, pairInWords, ranInEpochs, ranInWords } from './words';

/** What the runs of a results directory come to, table by table. */
export interface ClaimSources {
  readonly table1: Table1;
  readonly norm: readonly StudyGroup[];
  readonly direction: readonly StudyGroup[];
  readonly ablation: readonly StudyGroup[];
  readonly teachers: readonly StudyGroup[];
  readonly table2: readonly StudyGroup[];
  readonly table3: readonly Table3Group[];
}

/** Runs of one setting that a claim can be judged on. */
export interface Candidate {
  /** As the part of its document is named. */
  readonly setting: string;
  /** The scale that its runs were started with, which decides between two of one claim scale. */
  readonly runScale: string;
  /** Epochs or iterations, which decide between two of one such scale. */
  readonly length: number;
  /** The document in which it stands, where it is not its claim's own. */
  readonly document?: DocumentName;
  readonly scale: ClaimScale;
  /** Data, pair, length. */
  readonly ran: string;
  readonly comparisons: readonly ClaimComparison[];
  /** Seconds that each run behind it took, by its directory. */
  readonly seconds: ReadonlyMap<string, number>;
}

/** From the shortest. */
const lengths: readonly string[] = scales;

/**
 * The runs that a claim is judged on: those of the strongest scale among settings in which three seeds or
 * more can be compared, so that a first run of a longer campaign does not take a verdict away; of equal
 * scales the longer scale of their commands, then the longer schedule, then the most comparisons and seeds. Null where nothing was run.
 */
export function strongest(candidates: readonly Candidate[]): Candidate | null {
  const run = candidates.filter(({ comparisons }) =>
    comparisons.some(({ difference }) => difference !== null),
  );
  const ranks = run.map((candidate) => {
    const found = candidate.comparisons.flatMap(({ difference }) => difference ?? []);
    const shown = found.filter(({ interval }) => interval !== null).length;
    return {
      candidate,
      rank: [
        shown > 0 ? 1 : 0,
        -claimScales.indexOf(candidate.scale),
        lengths.indexOf(candidate.runScale),
        candidate.length,
        shown,
        found.reduce((sum, { n }) => sum + n, 0),
      ],
    };
  });
  ranks.sort((a, b) => b.rank.map((own, at) => own - (a.rank[at] ?? 0)).find(Boolean) ?? 0);
  return ranks[0]?.candidate ?? null;
}

/**
 * Each `++` row of table 1 over its base, on all pairs of a setting and scale on which one was run, with the p
 * values of the table's own column.
 */
export function plusOverBases({ groups }: Table1, plus: readonly string[]): Candidate[] {
  return groups.flatMap(({ setting, pairs }) =>
    claimScales.flatMap((scale) => {
      const shown = pairs.filter(
        (pair) =>
          pair.claimScale === scale &&
          plus.some((method) => (rowIn(pair, method)?.overBase?.measured ?? null) !== null),
      );
      if (shown.length === 0) return [];
      const methods = [...plus, ...plus.flatMap((method) => baseOf(method) ?? []), 'teacher'];
      return {
        ...ofPair(setting, scale, shown.map(pairInWords).join('; ')),
        comparisons: shown.flatMap((pair) => {
          const where = shown.length === 1 ? '' : `, ${pairInWords(pair)}`;
          return plus.map((method) => plusOverBase(pair, method, where));
        }),
        seconds: secondsOf(
          shown.flatMap((pair) => methods.flatMap((method) => rowIn(pair, method)?.runs ?? [])),
        ),
      };
    }),
  );
}

function plusOverBase(pair: Table1Pair, method: string, where: string): ClaimComparison {
  const row = rowIn(pair, method);
  const difference = row?.overBase?.measured ?? null;
  const p = row?.overBase?.p ?? null;
  return {
    label: `${printedOf(method)} over ${printedOf(baseOf(method) ?? '')}${where}`,
    paper: row?.overPublished?.paper ?? null,
    difference,
    p,
    outcome: verdictOnClaim(difference, p).outcome,
  };
}

const outcomes: Readonly<Partial<Record<Verdict, ClaimOutcome>>> = {
  reproduced: 'reproduced',
  differs: 'contradicted',
  inconclusive: 'inconclusive',
};

/** The numbers of one pair of table 1, where runs have the paper's own setting: measured minus printed. */
export function printedNumbers({ groups }: Table1, wanted: string): Candidate[] {
  return groups.flatMap(({ setting, pairs }) =>
    pairs
      .filter(({ pair }) => pair === wanted)
      .map((pair) => {
        const rows = pair.rows.filter(
          ({ method, paper }) => method !== 'teacher' && (paper?.value ?? null) !== null,
        );
        return {
          ...ofPair(setting, pair.claimScale, pairInWords(pair)),
          comparisons: rows.map((row) => ({
            label: row.shortLabel,
            paper: row.paper?.value ?? null,
            p: null,
            ...againstPrinted(row),
          })),
          seconds: secondsOf(rows.flatMap(({ runs }) => runs)),
        };
      }),
  );
}

function againstPrinted({
  measured,
  paper,
  verdict,
}: Table1Row): Pick<ClaimComparison, 'difference' | 'outcome'> {
  const outcome = outcomes[verdict];
  const printed = paper?.value ?? null;
  if (measured === null || printed === null || outcome === undefined) {
    return { difference: null, outcome: 'not run' };
  }
  const apart = measured.seeds.map(
    (seed, at) => [seed, (measured.values[at] ?? Number.NaN) - printed] as const,
  );
  return { difference: summarise(new Map(apart)), outcome };
}

/** Chosen claims of a study about each pair, judged together with all of its table. */
export function studyClaims(
  groups: readonly StudyGroup[],
  claims: readonly Claim[],
  chosen: readonly (readonly [better: string, worse: string])[],
): Candidate[] {
  return groups.flatMap((group) =>
    group.pairs.map((pair) => {
      const judged = judgedOn(pair, claims);
      const found = chosen.flatMap(([better, worse]) => {
        const claim = judged.find((other) => other.better === better && other.worse === worse);
        return claim === undefined ? [] : [comparison(claim, labelsOf(pair, better, worse))];
      });
      const methods = [...new Set(chosen.flat())];
      return {
        ...ofPair(group.setting, pair.claimScale, pairInWords(pair)),
        comparisons: found,
        seconds: secondsOf([...runsOf(pair, methods), ...teachersOf(group, [pair.teacher])]),
      };
    }),
  );
}

function labelsOf(pair: StudyPair, better: string, worse: string): string {
  // KD is beneath all of them.
  const name = (method: string): string =>
    (rowOf(pair, method)?.label ?? method).replace(/^KD \+ /u, '').replace(/ \(ND\)$/u, '');
  return `${name(better)} over ${name(worse)}`;
}

/** Whether the `++` rows of a student rise with its teacher's size. */
export function risingWithTeachers(
  groups: readonly StudyGroup[],
  plus: readonly string[],
): Candidate[] {
  return groups.flatMap((group) =>
    bySize(group.pairs, 'teacher').flatMap(([student, pairs]) => {
      const trends = judgedTrends(pairs, methodsOf(pairs)).filter(
        ({ worse }) => worse === undefined,
      );
      const teachers = pairs.map(({ teacher }) => teacher);
      return {
        ...ofPair(
          group.setting,
          weakestScale(pairs.map(({ claimScale }) => claimScale)),
          `${teachers.join(', ')} → ${student}`,
        ),
        comparisons: plus.map((method) =>
          comparison(
            trends.find(({ better }) => better === method),
            `${printedOf(method)}, teacher ten times as large`,
          ),
        ),
        seconds: secondsOf([
          ...pairs.flatMap((pair) => runsOf(pair, plus)),
          ...teachersOf(group, teachers),
        ]),
      };
    }),
  );
}

/** Whether larger networks have longer features, over the teachers and from student to teacher. */
export function longerFeatures(
  groups: readonly StudyGroup[],
  normClaims: readonly Claim[],
): Candidate[] {
  return groups.flatMap((group) =>
    group.pairs.map((pair) => {
      const trend = normTrend(group.family);
      const slope = trend?.slope ?? null;
      const shorter = judgedOn(pair, normClaims).filter(({ better }) => better === undefined);
      const networks = group.family.map(({ model }) => model);
      return {
        ...ofPair(group.setting, pair.claimScale, networksInWords(networks, pair)),
        comparisons: [
          {
            label: 'network ten times as large',
            paper: null,
            difference: slope,
            p: null,
            outcome: verdictOnClaim(slope, null).outcome,
          },
          ...shorter.map((claim) =>
            comparison(
              claim,
              `${pair.teacher} over ${pair.student} ${claim.worse === 'kd' ? 'under KD' : 'alone'}`,
            ),
          ),
        ],
        seconds: secondsOf([...runsOf(pair, ['kd', 'student']), ...teachersOf(group, networks)]),
      };
    }),
  );
}

/** The `++` rows of detectors over their bases, with the p values of the table's own column. */
export function detection(groups: readonly Table3Group[], plus: readonly string[]): Candidate[] {
  return groups.flatMap((group) =>
    group.pairs.map((pair) => {
      const judged = withAdjustedPs(pair.rows, ({ overBase }) => overBase);
      const bases = plus.flatMap((method) => baseOf(method) ?? []);
      const behind = pair.rows
        .filter(({ method }) => ['teacher', ...plus, ...bases].includes(method))
        .flatMap(({ runs }) => runs.filter(isFinishedDetection));
      const iterations = [...new Set(behind.flatMap(lengthOf))].join(' or ');
      return {
        setting: table3SettingInWords(group),
        runScale: group.scale,
        length: Math.max(0, ...behind.map(({ config }) => config.iterations)),
        // Nothing between: that a detector has converged is not judged here.
        scale: behind.every((run) => otherLength(run).length === 0) ? 'full' : 'toy',
        ran: ranInWords(
          group.dataset,
          `${pair.teacher} → ${pair.student}`,
          `${iterations} iterations`,
        ),
        comparisons: plus.map((method) => {
          const { overBase = null, p = null } = judged.find((row) => row.method === method) ?? {};
          return {
            label: `${detectorLabelOf(method)} over ${detectorLabelOf(baseOf(method) ?? '')}`,
            paper: null,
            difference: overBase,
            p,
            outcome: verdictOnClaim(overBase, p).outcome,
          };
        }),
        seconds: new Map(behind.map((run) => [run.directory, detectionSeconds(run)])),
      };
    }),
  );
}

function lengthOf({ config }: DetectionRun): number[] {
  return config.method === 'teacher' ? [] : [config.iterations];
}

/** What a detector's run took. */
export function detectionSeconds({ config, provenance }: DetectionRun): number {
  const { secondsPerIteration, evaluationSeconds } = provenance ?? {};
  return (secondsPerIteration ?? 0) * config.iterations + (evaluationSeconds ?? 0);
}

/** What classifiers' runs took, by their directories. */
export function secondsOf(runs: readonly RunReference[]): Map<string, number> {
  return new Map(
    runs.map(({ directory, provenance }) => [
      directory,
      (provenance?.secondsPerEpoch ?? []).reduce((sum, value) => sum + value, 0),
    ]),
  );
}

function comparison(claim: JudgedClaim | undefined, label: string): ClaimComparison {
  const { difference = null, p = null, outcome = 'not run' } = claim ?? {};
  return { label, paper: null, difference, p, outcome };
}

function ofPair(
  setting: StudyGroup['setting'],
  scale: ClaimScale,
  pair: string,
): Pick<Candidate, 'setting' | 'runScale' | 'length' | 'scale' | 'ran'> {
  return {
    setting: settingInWords(setting),
    runScale: setting.scale,
    length: setting.epochs,
    scale,
    ran: ranInEpochs(setting, pair),
  };
}

function rowIn({ rows }: Table1Pair, method: string): Table1Row | undefined {
  return rows.find((row) => row.method === method);
}

function runsOf(pair: StudyPair, methods: readonly string[]): RunReference[] {
  return methods.flatMap((method) => rowOf(pair, method)?.runs ?? []);
}

function teachersOf({ family }: StudyGroup, names: readonly string[]): RunReference[] {
  return family.filter(({ model }) => names.includes(model)).map(({ run }) => run);
}
