import { existsSync } from 'node:fs';
import { basename } from 'node:path';
import { augmentedViews } from '../data/batches';
import { needs } from '../distill/terms';
import { enginePlace } from '../engine/build';
import { takesGpuPath } from '../engine/native';
import { processorKind } from '../engine/processor';
import { createModel, modelName } from '../models/registry';
import { canonicalJson } from '../records';
import { isBatchSource, type TrainingData } from '../train/batch-source';
import { trainClassifier } from '../train/classifier';
import { remembers } from '../train/learner';
import { type EpochMetrics, readMetrics } from '../train/metrics';
import { requireRecipeFits, type TrainingRecipe } from '../train/recipe';
import { openTeacherMemory, type TeacherMemory } from '../train/teacher-memory';
import {
  classMeansFile,
  givenClassMeansFile,
  hashOfTrained,
  loadTeacher,
  requireGivenTeacher,
  type TrainedTeacher,
  withClassMeansFor,
} from './classification-teacher';
import { measureNetwork, type NetworkSpeed } from './cost';
import { withRunLock } from './lock';
import { estimateMemory } from './memory';
import { weightsFile } from './paths';
import type { PlannedRun } from './plan';
import type { Provenance } from './schema';
import { classifierRuns } from './store';
import {
  type RunRequest,
  type StartedRun,
  type Task,
  type TaskCosts,
  type TeacherRequest,
  trainedHere,
} from './task';

/** Image classifiers. */
export interface Classification {
  readonly recipe: TrainingRecipe;
  readonly line: EpochMetrics;
  readonly teacher: TrainedTeacher;
}

/** What a grid of classifiers may be told beside its data. */
export interface ClassificationOptions {
  /** The folder in which teachers' embeddings are remembered from run to run; none are when it is not given. */
  readonly teacherMemory?: string;
}

/** The training of image classifiers on a data set: CIFAR-100, ImageNet, one of your own. */
export function classification(
  dataset: TrainingData,
  options: ClassificationOptions = {},
): Task<Classification> {
  const { name, train, test, classes, height, width } = dataset;
  return {
    store: classifierRuns,
    dataset: name,
    dataHash: dataset.hash,
    notes: (isBatchSource(dataset) ? dataset.notes : undefined) ?? [],
    about: `${train.count} + ${test.count} images of ${height} × ${width}, ${classes.length} classes`,
    hashes: ({ teacher }) => ({
      datasetHash: dataset.hash,
      teacherHash: teacher?.hash ?? null,
      classMeansHash: teacher?.classMeansHash ?? null,
    }),
    requireFits: (recipe) => requireRecipeFits(recipe, dataset),
    requireGiven: (name, given) => requireGivenTeacher(name, given, dataset),
    loadTeacher: (request) => loadOnce(request, dataset),
    teacherFor: (teacher, { method }) => withClassMeansFor(method, teacher),
    begin: (request) => Promise.resolve(begin(request, dataset, options)),
    summary: ({ losses, testTop1 }) =>
      `loss ${(losses['total'] ?? NaN).toFixed(3)}, top-1 ${testTop1.toFixed(2)} %`,
    costs: costsOn(dataset, options),
    dispose: () => (isBatchSource(dataset) ? dataset.dispose?.() : undefined),
  };
}

/** Loads a teacher. Making its class means takes a while on a large data set: the processes of a grid do it once. */
async function loadOnce(
  { name, directory, given, signal, onProgress }: TeacherRequest,
  dataset: TrainingData,
): Promise<TrainedTeacher> {
  const classMeans =
    given?.classMeans ??
    (given
      ? givenClassMeansFile(directory, await hashOfTrained(given.weights, name, dataset))
      : classMeansFile(directory));
  const makeClassMeans = given?.classMeans === undefined;
  const load = (): Promise<TrainedTeacher> =>
    loadTeacher({
      name,
      dataset,
      weights: given?.weights ?? weightsFile(directory),
      // The file's name, not its place: the record is for others to read.
      source: given ? (given.source ?? basename(given.weights)) : trainedHere,
      classMeans,
      makeClassMeans,
      onProgress,
      signal,
    });
  return makeClassMeans && !existsSync(classMeans)
    ? withRunLock(directory, { signal }, load)
    : load();
}

function begin(
  request: RunRequest<Classification>,
  dataset: TrainingData,
  options: ClassificationOptions,
): StartedRun<Classification> {
  const { run, teacher, signal, assertHeld, checkpointEvery } = request;
  const { recipe, seed, directory } = run;
  const classes = dataset.classes.length;
  const student = createModel(modelName(recipe.student), {
    classes,
    seed,
    imageSize: dataset.height,
    dropPath: recipe.dropPath,
    linearStart: recipe.linearStart?.student,
  });
  let memory: TeacherMemory | undefined;
  const seconds = [...(classifierRuns.readProvenance(directory)?.secondsPerEpoch ?? [])];
  return {
    parameters: student.state.parameterCount,
    about: { model: recipe.student, classes: String(classes), dataset: dataset.name },
    stateDict: () => student.stateDict(),
    train: ({ onRecord, ...training }) => {
      memory = memoryFor(request, { dataset, options, onNotice: training.onNotice });
      return trainClassifier({
        ...training,
        recipe,
        student,
        teacher: teacher && { ...teacher, memory },
        dataset,
        seed,
        directory,
        signal,
        assertHeld,
        checkpointEvery,
        onEpoch(metrics, epochSeconds) {
          if (Number.isFinite(epochSeconds)) seconds.push(epochSeconds);
          onRecord();
          training.onEpoch?.(metrics, epochSeconds);
        },
      });
    },
    writeOutputs: () => undefined,
    provenance: () => ({
      teacherTop1: teacher?.top1 ?? null,
      teacherParameters: teacher?.model.state.parameterCount,
      secondsPerEpoch: [...seconds],
      ...measuredIn(directory, seconds, dataset.train.count),
    }),
    dispose() {
      student.dispose();
      memory?.dispose();
    },
  };
}

/** The memory of a run's teacher, where one is kept and the method takes no more of a teacher than it holds. */
function memoryFor(
  { run: { recipe }, teacher, engine }: RunRequest<Classification>,
  {
    dataset,
    options,
    onNotice,
  }: {
    readonly dataset: TrainingData;
    readonly options: ClassificationOptions;
    readonly onNotice: ((message: string) => void) | undefined;
  },
): TeacherMemory | undefined {
  const folder = memoryFolder(dataset, options);
  if (folder === undefined || !teacher || !remembers(recipe.method, teacher.model)) {
    return undefined;
  }
  const key = {
    teacher: teacher.hash,
    data: dataset.hash,
    precision: recipe.precision ?? 'f32',
    engine: canonicalJson({
      ...engine,
      compiled: engine.engine === 'native' ? enginePlace(engine.device).binding : null,
      processor: processorKind(),
    }),
    images: dataset.train.count,
    size: teacher.model.embeddingSize,
  };
  return openTeacherMemory({ folder, key, onNotice });
}

/** Where teachers' answers to these images are kept, where they are. */
function memoryFolder(
  dataset: TrainingData,
  { teacherMemory }: ClassificationOptions,
): string | undefined {
  // On a GPU's path what is remembered would have to be read from the device in each step.
  return isBatchSource(dataset) || takesGpuPath() ? undefined : teacherMemory;
}

function measuredIn(
  directory: string,
  seconds: readonly number[],
  images: number,
): Pick<Provenance, 'imagesPerSecond' | 'lastTop1' | 'bestTop1' | 'bestEpoch'> {
  const { epochs } = readMetrics(directory);
  const best = epochs.reduce<EpochMetrics | undefined>(
    (top, epoch) => (top === undefined || epoch.testTop1 > top.testTop1 ? epoch : top),
    undefined,
  );
  const sum = seconds.reduce((total, second) => total + second, 0);
  return {
    imagesPerSecond: sum > 0 ? (images * seconds.length) / sum : null,
    lastTop1: epochs.at(-1)?.testTop1 ?? null,
    bestTop1: best?.testTop1 ?? null,
    bestEpoch: best?.epoch ?? null,
  };
}

/** The same student takes about as long under any method of the same teacher that asks it as often. */
function costsOn(dataset: TrainingData, options: ClassificationOptions): TaskCosts<TrainingRecipe> {
  const speeds = new Map<string, NetworkSpeed>();
  const speedOf = (network: string, onTiming: (what: string) => void): NetworkSpeed => {
    const known = speeds.get(network);
    if (known) return known;
    onTiming(network);
    const speed = measureNetwork(network, dataset);
    speeds.set(network, speed);
    return speed;
  };
  // The tables' teachers all have logits that follow from the embedding.
  const remembered = ({ recipe: { augmentation, method } }: PlannedRun): boolean =>
    memoryFolder(dataset, options) !== undefined &&
    augmentation === 'pad-crop-flip' &&
    remembers(method, { classify: true });
  return {
    key: (run) =>
      `${teacherIn(run) ?? 'alone'}/${run.student}${remembered(run) ? '/remembered' : ''}`,
    estimate(run, onTiming, plan) {
      const teacher = teacherIn(run);
      const { training, evaluation } = speedOf(run.student, onTiming);
      const taught = teacher === null ? 0 : speedOf(teacher, onTiming).evaluation;
      const epochs = plan
        .filter((other) => teacherIn(other) === teacher && remembered(other))
        .reduce((sum, { length }) => sum + length, 0);
      const asked = remembered(run) ? askedShare(epochs) : 1;
      return dataset.train.count * (training + asked * taught) + dataset.test.count * evaluation;
    },
    memory: (runs, onTiming) => estimateMemory(runs, dataset, onTiming),
  };
}

/** Of so many views of an image, drawn at random, the share that was not drawn before. */
function askedShare(draws: number): number {
  if (draws === 0) return 1;
  return (augmentedViews * (1 - (1 - 1 / augmentedViews) ** draws)) / draws;
}

/** A student alone runs no teacher, whatever pair it belongs to. */
function teacherIn({ teacher, recipe }: PlannedRun): string | null {
  return needs(recipe.method, 'teacher') ? teacher : null;
}
