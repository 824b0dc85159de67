import { processorName } from '../engine/processor';
import { codeRevision, peakMemoryMiB, softwareVersions } from '../environment';
import type { CommonProvenance } from './schema';
import type { RunRequest, TaskKind } from './task';

/** What provenance says of any run at its start; a resumed one keeps the start that it had first. */
export function openingProvenance<Kind extends TaskKind>(
  { teacher, engine, command }: RunRequest<Kind>,
  about: {
    readonly before: CommonProvenance | null;
    readonly parameters: number;
    readonly dataHash: string;
  },
): CommonProvenance {
  const { before, parameters, dataHash } = about;
  return {
    ...codeRevision(),
    command,
    startedAt: before?.startedAt ?? new Date().toISOString(),
    endedAt: null,
    ended: 'running',
    versions: softwareVersions(engine.tensorflow),
    engine: engine.engine,
    device: engine.device,
    ...(engine.path ? { path: engine.path } : {}),
    ...(engine.deterministic ? { deterministic: engine.deterministic } : {}),
    ...(engine.winograd ? { winograd: [...engine.winograd] } : {}),
    processor: processorName(),
    dataHash,
    teacherHash: teacher?.hash ?? null,
    teacherSource: teacher?.source ?? null,
    classMeansHash: teacher?.classMeansHash ?? null,
    checkpointHash: null,
    parameters,
    peakMemoryMiB: peakMemoryMiB(),
    error: null,
  };
}

/** Options whose values are places on one machine; a record that others read leaves them out. */
const pathOptions: ReadonlySet<string> = new Set([
  '--data-dir',
  '--results',
  '--teacher-weights',
  '--student-weights',
  '--class-means',
  '--class-means-dir',
  '--annotations',
  '--images',
  '--test-annotations',
  '--test-images',
  '--out',
  '--teacher-cache',
  '--manifest',
]);
/** Values of these options that are no places. */
const words: readonly string[] = ['auto', 'off', 'released'];
const placed = (value: string): string => (words.includes(value) ? value : 'PATH');

/**
 * The command as the provenance of a run keeps it: as it was typed, with `PATH` for places on the
 * machine (`--data-dir PATH`, `--data $1:PATH').
 */
export function recordedCommand(script: string, args: readonly string[]): string {
  const recorded = args.map((word, index) => {
    const [option = '', ...value] = word.split('=');
    if (pathOptions.has(option) && value.length > 0) return `${option}=${placed(value.join('='))}`;
    if (pathOptions.has(args[index - 1] ?? '')) return placed(word);
    return word.replace(/(folder|coco):.*/s, '$1:PATH');
  });
  return recorded.length === 0 ? `npm run ${script}` : `npm run ${script} -- ${recorded.join(' ')}`;
}
