import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isFolder } from '../data/paths';
import { dataError, fileError, optionError, unknownName } from '../errors';
import { checkpointsChecker } from './checkpoints';
import type { CaseOutcome, Checker, ReferenceCase } from './compare';
import { cocoEvalChecker, detectionOpsChecker } from './detection';
import { lossesChecker } from './losses';
import { modelsChecker } from './models';
import { preprocessChecker } from './preprocess';
import { releasedChecker } from './released';
import { trajectoriesChecker } from './trajectories';

/** The mismatches that are printed of one case; the rest is counted. */
const printedMismatches = 5;

/** A failed case, or a note on a passed one, as lines to print; none for a case that simply passed. */
export function describeCase({
  file,
  name,
  passed,
  mismatches,
  note,
  reason,
}: CaseResult): string[] {
  const title = `${file}: ${name}`;
  if (passed) return note === undefined ? [] : [`note   ${title}: ${note}`];
  if (reason !== undefined) return [`FAILED ${title}: ${reason}`];
  const lines = mismatches
    .slice(0, printedMismatches)
    .map(
      ({ quantity, expected, found }) =>
        `FAILED ${title}: ${quantity}: expected ${expected}, found ${found}`,
    );
  const more = mismatches.length - lines.length;
  return more === 0 ? lines : [...lines, `       ${title}: and ${more} more that differ`];
}

/** `12 passed, 3 failed` */
export function describeTotal(results: readonly CaseResult[]): string {
  const passed = results.filter((result) => result.passed).length;
  return `${passed} passed, ${results.length - passed} failed`;
}

/** In the order in which they run: a wrong loss explains a wrong training run. */
function checkersWith({ images }: VerificationInputs): readonly Checker[] {
  return [
    lossesChecker,
    modelsChecker('models-cifar.json'),
    modelsChecker('models-imagenet.json'),
    trajectoriesChecker,
    releasedChecker,
    preprocessChecker(images),
    detectionOpsChecker,
    checkpointsChecker,
    cocoEvalChecker,
  ];
}

/** What some cases need beside their directory. */
interface VerificationInputs {
  /** The folder with the images that `preprocess.json` names. */
  readonly images?: string;
}

/** A case with the file or folder it is from, and what came of it. */
export interface CaseResult extends CaseOutcome {
  readonly file: string;
  readonly name: string;
  readonly passed: boolean;
  /** Why it could not be compared, where that is so. */
  readonly reason?: string;
}

/** A case that has not run; running it never throws. */
export interface PlannedCase {
  readonly file: string;
  readonly name: string;
  run(): Promise<CaseResult>;
}

/** The names that `--parts` takes: those of files and folders, without `.json`. */
export const verifiableNames: readonly string[] = checkersWith({}).map(({ entry }) =>
  nameOf(entry),
);

/**
 * Finds the files and folders with reference values in a directory and lists their cases. One that
 * cannot be read gives a single case, which fails.
 *
 * @param only names of `verifiableNames`; all that are there unless given.
 * @throws LabError when the directory is missing, holds none of them, or lacks one of `only`, or the folder
 *   of images is missing.
 */
export function planVerification(
  directory: string,
  only?: readonly string[],
  inputs: VerificationInputs = {},
): PlannedCase[] {
  if (!isFolder(directory)) {
    throw fileError`no such directory of reference values (${directory}). Give a directory that holds one or more of: ${entriesText()}`;
  }
  if (inputs.images !== undefined && !isFolder(inputs.images)) {
    throw optionError`no such folder of images (--images): found ${inputs.images}. Name the folder that holds the images of preprocess.json`;
  }
  for (const name of only ?? []) {
    if (!verifiableNames.includes(name)) {
      throw unknownName('kind of reference values', name, verifiableNames, '--parts');
    }
  }
  const wanted = checkersWith(inputs).filter(({ entry }) => only?.includes(nameOf(entry)) ?? true);
  const present = wanted.filter((checker) => entriesOf(checker, directory).length > 0);
  const missing = only === undefined ? [] : wanted.filter((checker) => !present.includes(checker));
  if (present.length === 0 || missing.length > 0) {
    throw fileError`${
      missing.length > 0
        ? `the directory lacks ${missing.map(({ entry }) => entry).join(', ')}`
        : 'the directory holds no reference values'
    } (${directory}). Give a directory that holds one or more of: ${entriesText()}`;
  }
  return present.flatMap((checker) =>
    entriesOf(checker, directory).flatMap((entry) =>
      plannedCases({ ...checker, entry }, directory),
    ),
  );
}

/** The files and folders of a directory that a checker checks, in the order of their names. */
function entriesOf({ entry }: Checker, directory: string): string[] {
  const [before = '', after] = entry.split('*');
  if (after === undefined) return existsSync(join(directory, entry)) ? [entry] : [];
  const fits = (name: string): boolean => name.startsWith(before) && name.endsWith(after);
  return readdirSync(directory).filter(fits).sort();
}

function plannedCases({ entry, cases }: Checker, directory: string): PlannedCase[] {
  const planned = ({ name, run }: ReferenceCase): PlannedCase => ({
    file: entry,
    name,
    run: async () => ({ file: entry, name, ...(await outcomeOf(run)) }),
  });
  try {
    const found = cases(join(directory, entry)).map(planned);
    if (found.length > 0) return found;
    throw dataError`reference values hold no case (${join(directory, entry)}): found an empty list. Bring them over again`;
  } catch (error) {
    const fail = (): never => {
      throw error;
    };
    return [planned({ name: 'as a whole', run: fail })];
  }
}

/** A case that throws, for whatever reason, has failed; the others go on. */
async function outcomeOf(run: ReferenceCase['run']): Promise<Omit<CaseResult, 'file' | 'name'>> {
  try {
    const outcome = await run();
    return { ...outcome, passed: outcome.mismatches.length === 0 };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { passed: false, mismatches: [], reason };
  }
}

function nameOf(entry: string): string {
  return entry.replace(/(-\*)?\.json$/, '');
}

function entriesText(): string {
  return checkersWith({})
    .map(({ entry }) => entry)
    .join(', ');
}
