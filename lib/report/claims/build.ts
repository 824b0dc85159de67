import { findPaperNumber, paperTable } from '../../paper';
import { type ClaimOutcome, outcomeOfAll, outcomeOfReadings } from '../../statistics/verdicts';
import type { DocumentName } from '../document';
import { baseOf, printedOf } from '../methods';
import { count, formatInterval, toFixed2, toSigned2 } from '../numbers';
import { orderClaims } from '../study/ablation';
import { directionClaims } from '../study/direction';
import { normClaims } from '../study/norm';
import { paperRange } from '../table1/gain';
import {
  type Candidate,
  type ClaimSources,
  detection,
  longerFeatures,
  plusOverBases,
  printedNumbers,
  risingWithTeachers,
  strongest,
  studyClaims,
} from './candidates';
import { type FullReplication, fullInWords } from './cost';
import { type ClaimAtGlance, type ClaimComparison, type ClaimId, claimIds } from './model';

/** A claim of the paper: what it says, which comparisons it is about, and on which runs they can be made. */
interface ClaimDefinition {
  readonly claim: string;
  readonly says: string;
  readonly unit: string;
  /** Whether the comparisons must hold together, or are readings of which the paper's is not known. */
  readonly together: 'all' | 'readings';
  readonly full: FullReplication;
  /** The document that shows its runs. */
  readonly document: DocumentName;
  candidates(sources: ClaimSources): readonly Candidate[];
}

const points = 'points of top-1';
const plusRows = ['kd++', 'dkd++', 'dist++', 'reviewkd++'];
const risingRows = ['kd++', 'dkd++', 'reviewkd++'];
const infoNce = ['kd+infonce-t0.05', 'kd+infonce', 'kd+infonce-t0.5', 'kd+infonce-t1'];
const firstPair = 'resnet56:resnet20';

const definitions: Readonly<Record<ClaimId, ClaimDefinition>> = {
  C1: {
    claim: 'ND improves every method that it is added to',
    says: `Every ++ row is above its base on all six pairs of CIFAR-100: ${plusRows.map(paperGains).join(', ')}.`,
    unit: points,
    together: 'all',
    full: { data: 'cifar100', pairs: 6, rows: 8 },
    document: 'table1',
    candidates: ({ table1 }) => plusOverBases(table1, plusRows),
  },
  C2: {
    claim: 'SIFN is better than the naive norm loss',
    says: 'Letting the norm grow step by step (SIFN) is better than pulling it to the teacher’s at once. Not known to us: by how much, and whether the naive loss pulls the norm or the whole feature.',
    unit: points,
    together: 'readings',
    full: { data: 'cifar100', pairs: 1, rows: 3 },
    document: 'norm',
    candidates: ({ norm }) =>
      studyClaims(norm, normClaims, [
        ['kd+sifn', 'kd+norm'],
        ['kd+sifn', 'kd+feature'],
      ]),
  },
  C3: {
    claim: 'Cosine is better than InfoNCE',
    says: 'Of two losses that turn a feature to its class mean, cosine is better than InfoNCE. Not known to us: by how much, and at which temperature.',
    unit: points,
    together: 'readings',
    full: { data: 'cifar100', pairs: 1, rows: 5 },
    document: 'direction',
    candidates: ({ direction }) =>
      studyClaims(
        direction,
        directionClaims,
        infoNce.map((worse) => ['kd+cosine', worse] as const),
      ),
  },
  C4: {
    claim: 'Norm and direction together are better than either, and ND is best',
    says: 'Norm or direction alone < both as two losses < ND. Not known to us: by how much.',
    unit: points,
    together: 'all',
    full: { data: 'cifar100', pairs: 1, rows: 4 },
    document: 'ablation',
    candidates: ({ ablation }) =>
      studyClaims(ablation, orderClaims, [
        ['kd+sifn+cosine', 'kd+sifn'],
        ['kd+sifn+cosine', 'kd+cosine'],
        ['kd++', 'kd+sifn+cosine'],
      ]),
  },
  C5: {
    claim: 'With ND, larger teachers make better students',
    says: `On ImageNet a ResNet-18 gains from R34 to R152 as its teacher: ${risingRows.map(risesInPaper).join(', ')}.`,
    unit: `${points} for ten times the teacher’s size`,
    together: 'all',
    full: { data: 'imagenet', pairs: 4, rows: 6 },
    document: 'teachers',
    candidates: ({ teachers, table2 }) => [
      ...risingWithTeachers(teachers, risingRows),
      ...risingWithTeachers(
        table2.map((group) => ({
          ...group,
          // The paper's figure is of networks of one family, whose sizes can be compared.
          pairs: group.pairs.filter(({ teacher }) => teacher.startsWith('resnet')),
        })),
        risingRows,
      ).map((candidate): Candidate => ({ ...candidate, document: 'table2' })),
    ],
  },
  C6: {
    claim: 'Larger networks have longer features',
    says: 'The features of larger networks are longer, and a student’s are shorter than its teacher’s.',
    unit: 'mean norm',
    together: 'all',
    full: { data: 'cifar100', pairs: 7, rows: 1 },
    document: 'norm',
    candidates: ({ norm }) => longerFeatures(norm, normClaims),
  },
  C7: {
    claim: 'Class means are a better direction than the classifier’s weights',
    says: 'A feature should turn to the teacher’s mean feature of its class rather than to the classifier’s row. Not known to us: by how much.',
    unit: points,
    together: 'readings',
    full: { data: 'cifar100', pairs: 1, rows: 4 },
    document: 'direction',
    candidates: ({ direction }) =>
      studyClaims(direction, directionClaims, [
        ['kd+cosine', 'kd+classifier'],
        ['kd++', 'kd+nd-classifier'],
      ]),
  },
  C8: {
    claim: 'ND carries over to detection',
    says: 'On COCO KD++ and ReviewKD++ are above KD and ReviewKD. Not known to us: by how much.',
    unit: 'points of box AP',
    together: 'all',
    full: { data: 'coco', pairs: 3, rows: 4 },
    document: 'table3',
    candidates: ({ table3 }) => detection(table3, ['kd++', 'reviewkd++']),
  },
  C9: {
    claim: 'The printed numbers of R56 → R20',
    says: `Table 1 prints ${printedExamples()} and ${count(printedRows().length - 3, 'more row')}.`,
    unit: `${points}, measured minus printed`,
    together: 'all',
    full: { data: 'cifar100', pairs: 1, rows: printedRows().length },
    document: 'table1',
    candidates: ({ table1 }) => printedNumbers(table1, firstPair),
  },
};

/** The paper's claims beside what the runs show of them, each on the strongest scale that it has. */
export function buildClaims(sources: ClaimSources): ClaimAtGlance[] {
  return claimIds.map((id) => {
    const { claim, says, unit, together, full, document } = definitions[id];
    const chosen = chosenFor(id, sources);
    const comparisons = chosen?.comparisons ?? [];
    const seconds = [...(chosen?.seconds.values() ?? [])].reduce((sum, own) => sum + own, 0);
    return {
      ...{ id, claim, says, unit, comparisons },
      ran: chosen?.ran ?? '',
      document: chosen?.document ?? document,
      outcome: outcomeOf(comparisons, together),
      scale: chosen?.scale ?? 'toy',
      hours: seconds / 3600,
      full: fullInWords(full),
    };
  });
}

/** The settings that the claims of a document are judged on, as its parts are named. */
export function currentSettings(sources: ClaimSources, name: DocumentName): Set<string> {
  const chosen = claimIds.flatMap((id) => {
    const candidate = chosenFor(id, sources);
    return candidate && (candidate.document ?? definitions[id].document) === name ? candidate : [];
  });
  return new Set(chosen.map(({ setting }) => setting));
}

/** The setting that a claim is judged on, as its part is named; null where nothing was run. */
export function settingOf(id: ClaimId, sources: ClaimSources): string | null {
  return chosenFor(id, sources)?.setting ?? null;
}

function chosenFor(id: ClaimId, sources: ClaimSources): Candidate | null {
  return strongest(definitions[id].candidates(sources));
}

function outcomeOf(
  comparisons: readonly ClaimComparison[],
  together: ClaimDefinition['together'],
): ClaimOutcome {
  const outcomes = comparisons.map(({ outcome }) => outcome);
  const readings = outcomeOfReadings(outcomes);
  if (together === 'readings' || readings === 'not run') return readings;
  const all = outcomeOfAll(outcomes);
  // What was run of it is something, though not enough.
  return all === 'not run' ? 'inconclusive' : all;
}

/** `KD++ by +1.05 … +2.45`. */
function paperGains(method: string): string {
  const range = paperRange(method, baseOf(method) ?? '');
  return `${printedOf(method)} by ${formatInterval(range, toSigned2)}`;
}

/** `KD++ 71.99 to 72.59`. */
function risesInPaper(method: string): string {
  const [first, last] = ['resnet34:resnet18', 'resnet152:resnet18'].map((pair) =>
    findPaperNumber({ table: 'scalable-teachers', pair, method }),
  );
  return `${printedOf(method)} ${toFixed2(first?.value ?? Number.NaN)} to ${toFixed2(last?.value ?? Number.NaN)}`;
}

function printedRows(): string[] {
  return paperTable('table1')
    .rows.map(({ method }) => method)
    .filter((method) => method !== 'teacher');
}

function printedExamples(): string {
  return ['student', 'kd', 'kd++']
    .map((method) => {
      const value = findPaperNumber({ table: 'table1', pair: firstPair, method })?.value;
      return `${printedOf(method)} ${toFixed2(value ?? Number.NaN)}`;
    })
    .join(', ');
}
