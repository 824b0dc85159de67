import { formatDuration } from '../format-duration';
import { escapeHtml } from './html';
import type { RunRecord, RunReference, UnfinishedRun } from './run-record';
import type { Table1Group, Table1Pair, Table1Row } from './table1-model';
import { count } from './words';

/** A run, what it stands for in its table, and how it was made. */
export interface RunEntry {
  /** `resnet20:resnet8, KD++, seed 1`. */
  readonly name: string;
  /** Below the results directory. */
  readonly directory: string;
  /** `34.75 %`; null for a run that is in no number. */
  readonly score: string | null;
  /** How long it took; empty where that is not known. */
  readonly time: string;
  readonly facts: Facts;
}

/** Terms and what is known of them; null where nothing is. */
export type Facts = readonly (readonly [string, string | null])[];

/** The entry of a classifier's run. */
export function runEntry(name: string, run: RunReference | UnfinishedRun): RunEntry {
  const finished = 'last' in run;
  const seconds = total(run.provenance?.secondsPerEpoch ?? []);
  return {
    name,
    directory: run.directory,
    score: finished ? `${run.last.toFixed(2)} %` : null,
    time: seconds === 0 ? '' : formatDuration(seconds),
    facts: [...(finished ? finishedFacts(run) : unfinishedFacts(run)), ...provenanceFacts(run)],
  };
}

/** How and where each run of a group ran, one folded list a run. */
export function provenanceHtml({ pairs, setting }: Table1Group): string {
  const runs = pairs.flatMap((pair) =>
    pair.rows.flatMap((row) =>
      [...row.runs, ...row.unfinished].map((run) => runEntry(nameOf(pair, row, run), run)),
    ),
  );
  return runsHtml(runs, setting.dataHash);
}

/** How and where runs on the same data ran. */
export function runsHtml(runs: readonly RunEntry[], dataHash: string | null): string {
  return `<details><summary>Provenance of ${count(runs.length, 'run')}</summary>
<p class="soft">Data as read, SHA-256: <code>${escapeHtml(dataHash ?? 'not recorded')}</code></p>
${runs.map(runHtml).join('\n')}
</details>`;
}

function nameOf(
  { pair }: Table1Pair,
  { shortLabel, method }: Table1Row,
  { seed }: RunRecord,
): string {
  return `${method === 'teacher' ? '' : `${pair}, `}${shortLabel}, seed ${String(seed)}`;
}

function runHtml({ name, score, time, facts }: RunEntry): string {
  const note =
    score === null ? 'unfinished: in no number' : `${score}${time === '' ? '' : ` in ${time}`}`;
  const entries = facts
    .flatMap(([term, text]) =>
      text === null ? [] : [`<dt>${escapeHtml(term)}</dt><dd>${factHtml(term, text)}</dd>`],
    )
    .join('\n');
  return `<details><summary>${escapeHtml(name)} <span class="soft">${escapeHtml(note)}</span></summary>
<dl class="facts">
${entries}
</dl></details>`;
}

/** Facts that are typed or compared letter by letter. */
const literal = new Set(['Run directory', 'Command', 'Code revision', 'Checkpoint', 'Data']);

function factHtml(term: string, text: string): string {
  return literal.has(term) || /^[0-9a-f]{64}$/u.test(text)
    ? `<code>${escapeHtml(text)}</code>`
    : escapeHtml(text);
}

function finishedFacts({ last, best, bestEpoch }: RunReference): Facts {
  return [
    ['Top-1, last epoch', `${last.toFixed(2)} %`],
    ['Top-1, best epoch', `${best.toFixed(2)} % after ${count(bestEpoch, 'epoch')}`],
  ];
}

function unfinishedFacts({ epochs, of, why }: UnfinishedRun): Facts {
  return [
    ['Done', `${String(epochs)} of ${count(of, 'epoch')}`],
    ['Ended', why],
  ];
}

function provenanceFacts({ directory, batchSize, recipeHash, provenance }: RunRecord): Facts {
  const own: Facts = [
    ['Run directory', directory],
    ['Batch', String(batchSize)],
    ['Recipe, SHA-256', recipeHash],
  ];
  if (provenance === null) return [...own, ['Provenance', 'not recorded']];
  const { revision, dirty, versions, secondsPerEpoch, imagesPerSecond } = provenance;
  const teacher = [
    provenance.teacherSource,
    provenance.teacherTop1 === null ? null : `${provenance.teacherTop1.toFixed(2)} % top-1`,
  ].filter((text) => text !== null);
  return [
    ...own,
    ['Command', provenance.command],
    ['Code revision', revision ?? 'unknown'],
    ['Uncommitted changes', dirty === null ? 'unknown' : dirty ? 'yes' : 'none'],
    ['Started', provenance.startedAt],
    ['Ended', provenance.endedAt],
    [
      'Versions',
      Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
    ['Engine and device', `${provenance.engine}, ${provenance.device}`],
    ['Processor', provenance.processor],
    [
      'Time',
      `${formatDuration(total(secondsPerEpoch))} in ${count(secondsPerEpoch.length, 'epoch')}${imagesPerSecond === null ? '' : `, ${imagesPerSecond.toFixed(0)} images/s`}`,
    ],
    ['Peak memory', `${String(provenance.peakMemoryMiB)} MiB`],
    ['Parameters', String(provenance.parameters)],
    ['Data, SHA-256', provenance.dataHash],
    ['Teacher', teacher.length === 0 ? null : teacher.join(', ')],
    ['Teacher, SHA-256', provenance.teacherHash],
    ['Class means, SHA-256', provenance.classMeansHash],
    ['Checkpoint, SHA-256', provenance.checkpointHash],
    ['Error', provenance.error],
  ];
}

function total(seconds: readonly number[]): number {
  return seconds.reduce((sum, value) => sum + value, 0);
}
