import { outcomeInWords } from '../../statistics/verdicts';
import { differenceCells, intervalHead, pHead } from '../cells';
import type { Block, Cell, TableBlock } from '../document';
import { count, formatInterval, formatP, none, toFixed2, toSigned2 } from '../numbers';
import { verdictCell } from '../study/claims';
import type { AtGlance } from './glance';
import type { ClaimAtGlance, ClaimComparison } from './model';
import { meaningOf, verdictMeaning } from './words';

/** `1.5 h`. */
function hoursInWords(hours: number): string {
  return `${hours.toFixed(1)} h`;
}

/** `KD++ over KD: +2.58 (+1.29 … +3.87), n 5, p 0.021`. */
function effectInWords({ label, difference, p }: ClaimComparison): string {
  if (difference === null) return `${label}: not run`;
  const { mean, interval, n } = difference;
  const around = interval === null ? '' : ` (${formatInterval(interval, toSigned2)})`;
  const numbers = [
    `${toSigned2(mean)}${around}`,
    `n ${String(n)}`,
    ...(p === null ? [] : [`p ${formatP(p)}`]),
  ];
  // No line ends within a number and what it belongs to.
  return `${label}: ${numbers.map((text) => text.replaceAll(' ', '\u00a0')).join(', ')}`;
}

/** A claim's effects, a line each; more than three that were not run are counted in one. */
function effectsOf({ comparisons, unit }: ClaimAtGlance): string[] {
  if (comparisons.length === 0) return [none];
  const open = comparisons.filter(({ difference }) => difference === null).length;
  const shown = open > 3 ? comparisons.filter(({ difference }) => difference) : comparisons;
  return [
    ...shown.map(effectInWords),
    ...(open > 3 ? [`${String(open)} of ${String(comparisons.length)}: not run`] : []),
    `in ${unit}`,
  ];
}

/** A claim's verdict with its scale and what both mean. */
export function claimVerdict({ id, outcome, scale }: ClaimAtGlance): Cell {
  const tip =
    outcome === 'not run'
      ? meaningOf(outcome)
      : `${outcome}: ${verdictMeaning(id, outcome)}; ${scale}: ${meaningOf(scale)}`;
  return { ...verdictCell(outcome, scale), tip };
}

/** The columns of the claims at a glance. */
export const glanceHead = [
  'the paper claims',
  'run here',
  'effect (95 % interval), n, p',
  'verdict (scale)',
  'hours here',
  'in full, estimated',
] as const;

/** The claims at a glance, a row each. */
export function glanceTable({ claims }: Pick<AtGlance, 'claims'>): TableBlock {
  return {
    kind: 'table',
    head: glanceHead,
    stacked: true,
    rows: claims.map((claim) => {
      const [effect = '', ...others] = effectsOf(claim);
      return {
        cells: [
          { text: `${claim.id}. ${claim.claim}`, below: [claim.says] },
          claim.ran === '' ? none : claim.ran,
          { text: effect, below: others },
          claimVerdict(claim),
          claim.ran === '' ? none : hoursInWords(claim.hours),
          claim.full,
        ],
        idle: claim.outcome === 'not run',
      };
    }),
  };
}

/** Everything that is known of one claim, without its name. */
export function claimBlocks(claim: ClaimAtGlance): Block<never>[] {
  const { comparisons, unit, ran, hours, full, says } = claim;
  const printed = comparisons.some(({ paper }) => paper !== null);
  return [
    { kind: 'text', text: `The paper: ${says}` },
    {
      kind: 'text',
      text: ran === '' ? 'Here: not run.' : `Here: ${ran}; ${hoursInWords(hours)}.`,
    },
    ...(comparisons.length === 0
      ? []
      : [
          {
            kind: 'table' as const,
            caption: `Effects in ${unit}; p as the claim’s table or study adjusted it`,
            head: [
              ...['comparison', 'effect ± deviation (n)', intervalHead, pHead, 'verdict'],
              ...(printed ? ['the paper’s'] : []),
            ],
            rows: comparisons.map((comparison) => {
              const { label, paper, difference, p, outcome } = comparison;
              const [shown, interval, adjusted] = differenceCells(difference, p);
              return {
                cells: [
                  label,
                  shown,
                  interval,
                  adjusted,
                  verdictCell(outcome, claim.scale),
                  ...(printed ? [paper === null ? none : toFixed2(paper)] : []),
                ],
                idle: outcome === 'not run',
              };
            }),
          },
        ]),
    { kind: 'text', text: `In the paper’s setting: ${full}.` },
  ];
}

/** A claim in one line: `C1. ND improves every method that it is added to: inconclusive (toy)`. */
export function claimInWords({ id, claim, outcome, scale }: ClaimAtGlance): string {
  return `${id}. ${claim}: ${outcomeInWords(outcome, scale)}`;
}

/** What the picture of a claim shows, in words. */
export function findingOf(claim: ClaimAtGlance): string {
  return `${claimInWords(claim)}. ${effectsOf(claim).join('; ')}.`;
}

/** How far the claims held: `Of 9 claims 1 reproduced, 1 contradicted, 6 inconclusive, 1 not run.` */
export function heldInWords({ claims }: AtGlance): string {
  const outcomes = ['reproduced', 'contradicted', 'inconclusive', 'not run'] as const;
  const counts = outcomes.flatMap((outcome) => {
    const own = claims.filter((claim) => claim.outcome === outcome);
    return own.length === 0
      ? []
      : [`${String(own.length)} ${outcome} (${own.map(({ id }) => id).join(', ')})`];
  });
  const scales = [...new Set(claims.filter(({ ran }) => ran !== '').map(({ scale }) => scale))];
  const scale = scales.length === 1 ? ` The scale of every verdict is ${scales.join('')}.` : '';
  return `Of ${count(claims.length, 'claim')}: ${counts.join(', ')}.${scale}`;
}

/** What was spent: `227 runs, 30.1 h of training; AMD EPYC (2 cores), no GPU.` */
export function spentInWords({ runs, hours, processors }: AtGlance): string {
  return `${count(runs, 'finished run')}, ${hoursInWords(hours)} of training in all, on ${processors.join('; ')}.`;
}

/** The settings that no claim stands on, in a line; nothing without any. */
export function olderInWords({ older }: AtGlance): string[] {
  return older.length === 0
    ? []
    : [`Older and smaller settings, on which no claim is judged: ${older.join('; ')}.`];
}
