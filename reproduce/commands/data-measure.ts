import { join } from 'node:path';
import { dataDirectory } from '../../lib/data/paths';
import type { OnDataProgress } from '../../lib/data/progress';
import type { FetchedNeed } from '../../lib/data/tables/fetch';
import {
  cocoFolder,
  type FetchedTable,
  imageNetFolder,
  tableNeeds,
} from '../../lib/data/tables/needs';
import { needStatus } from '../../lib/data/tables/places';
import { annotationsOf, imagesOf } from '../../lib/detection/coco/detection-data';
import { loadCoco } from '../../lib/detection/coco/load';
import { startEngine } from '../../lib/engine/load';
import { interruptedError, LabError } from '../../lib/errors';
import { detectorForm } from '../../lib/runs/detection-recipe';
import {
  detectorFigure,
  imageNetFigures,
  keepMeasured,
  measureClassifier,
  type MeasuredWeights,
  measureDetector,
  readMeasured,
} from '../../lib/runs/measured-weights';
import { table3TeacherRecipe } from '../recipes/table3';
import { table2Study } from '../table2';
import { table3Study } from '../table3';
import { tableOf } from './common';
import { type PreparedClassMeans, prepareClassMeans } from './data-class-means';

interface MeasureOptions {
  readonly dataDir: string | undefined;
  /** Where measurements are kept. */
  readonly results: string;
  readonly signal: AbortSignal;
  readonly onProgress: OnDataProgress;
}

/** What was measured of a table's teachers, their class means, and a line on each that has none. */
export interface MeasuredTable {
  readonly measured: readonly MeasuredWeights[];
  readonly classMeans: readonly PreparedClassMeans[];
  readonly notes: readonly string[];
}

/** What teachers of a table are measured on. */
const measuredOn: Readonly<Record<FetchedTable, readonly string[]>> = {
  table2: ['imagenet'],
  table3: ['val2017', 'annotations'],
};
/** What their class means are made over. */
const trainedOn: typeof measuredOn = {
  table2: ['imagenet'],
  table3: ['train2017', 'val2017', 'annotations'],
};

/**
 * Measures the teachers of a table that are there, on the data that are, and makes their class means; what is
 * measured is kept at once, with the file's SHA-256, and not measured again.
 */
export async function measureTable(
  table: FetchedTable,
  found: readonly FetchedNeed[],
  { dataDir, results, signal, onProgress }: MeasureOptions,
): Promise<MeasuredTable> {
  const directory = dataDirectory(dataDir);
  const teachers = found.flatMap(({ name, kind, path, sha256 }) => {
    const figures = table === 'table2' ? imageNetFigures(name) : [detectorFigure(name)];
    const isTeacher = kind === 'weights' && sha256 !== null && figures[0] !== undefined;
    return isTeacher ? [{ name, file: path, sha256 }] : [];
  });
  if (teachers.length === 0) return { measured: [], classMeans: [], notes: [] };
  const names = teachers.map(({ name }) => name);
  const lacking = lackingOf(table, measuredOn[table], directory);
  if (lacking !== '') {
    const notes = [`Not measured: ${names.join(', ')}: ${lacking} not there`];
    return { measured: [], classMeans: [], notes };
  }
  const stoppable: OnDataProgress = (progress) => {
    if (signal.aborted) throw stopped();
    onProgress(progress);
  };
  await startEngine();
  const notes: string[] = [];
  const ofNow = (): MeasuredWeights[] =>
    readMeasured(results).filter((one) => teachers.some(({ sha256 }) => sha256 === one.sha256));
  const measure = table === 'table2' ? imageNetMeasure(directory) : cocoMeasure(directory);
  for (const teacher of teachers) {
    try {
      await measure(teacher, {
        known: ofNow(),
        onMeasured: (measured) => void keepMeasured(results, measured),
        onProgress: stoppable,
      });
    } catch (error) {
      if (!(error instanceof LabError) || error.kind === 'interrupted') throw error;
      notes.push(`error: ${teacher.name}: ${error.message}`);
    }
  }
  const measured = ofNow();
  const warnings = measured.flatMap(({ warning }) =>
    warning === null ? [] : [`WARNING: ${warning}`],
  );
  const preparing = { directory, results, signal, onProgress: stoppable };
  const without = lackingOf(table, trainedOn[table], directory);
  const prepared =
    without === ''
      ? await (table === 'table2'
          ? prepareClassMeans(table2Study, names, preparing)
          : prepareClassMeans(table3Study, names, preparing))
      : { ready: [], notes: [`No class means yet: ${names.join(', ')}: ${without} not there`] };
  return {
    measured,
    classMeans: prepared.ready,
    notes: [...notes, ...warnings, ...prepared.notes],
  };
}

/** Which parts of a table are not there, in words; empty where all are. */
function lackingOf(table: FetchedTable, names: readonly string[], directory: string): string {
  return names
    .filter((name) => {
      const need = tableNeeds[table].find((each) => each.name === name);
      return need === undefined || needStatus(need, directory).state !== 'present';
    })
    .join(' and ');
}

function stopped(): LabError {
  return interruptedError`stopped while measuring; what was measured is kept. Run the same command again to go on`;
}

type Measure = (
  teacher: Parameters<typeof measureClassifier>[0],
  measuring: Parameters<typeof measureClassifier>[2],
) => Promise<void>;

function imageNetMeasure(directory: string): Measure {
  const data = { folder: join(directory, imageNetFolder), dataset: imageNetFolder };
  return (teacher, measuring) =>
    measureClassifier(teacher, { ...data, figures: imageNetFigures(teacher.name) }, measuring);
}

function cocoMeasure(directory: string): Measure {
  const root = join(directory, cocoFolder);
  const evaluation = loadCoco({
    annotations: annotationsOf(root, 'val'),
    images: imagesOf(root, 'val'),
  });
  return async (teacher, measuring) => {
    const figure = detectorFigure(teacher.name);
    if (figure === undefined) return;
    const { evaluation: shortSide, longest } = table3TeacherRecipe(teacher.name).sizes;
    const form = detectorForm(teacher.name);
    const data = { form, evaluation, dataset: cocoFolder, figure, shortSide, longest };
    await measureDetector(teacher, data, measuring);
  };
}

/** The measured figures beside the published ones. */
export function measuredText(measured: readonly MeasuredWeights[]): string {
  const table = tableOf([
    'teacher',
    'figure',
    'images prepared as for',
    'here',
    'published',
    'difference',
  ]);
  for (const { name, figure, preparedAs, value, published, whose } of measured) {
    const difference = (value - published).toFixed(2);
    const said = `${published.toFixed(2)} (${whose})`;
    table.push([name, figure, preparedAs, value.toFixed(2), said, difference]);
  }
  return table.toString();
}
