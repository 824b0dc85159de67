import type { DetectionData } from '../../lib/coco/study/data';
import { detectionCost } from '../../lib/coco/study/cost';
import { detectorForm } from '../../lib/coco/study/detectors';
import { type PlannedDetection, planDetections } from '../../lib/coco/study/plan';
import { detectionProgress, detectionTitle } from '../../lib/coco/study/progress';
import { runDetectionStudy } from '../../lib/coco/study/run-study';
import { estimateDetectionStep } from '../../lib/bench/detector-step';
import type { EngineDescription } from '../../lib/engine/describe';
import { startEngine } from '../../lib/engine/load';
import { writeTable3 } from '../../lib/report/table3/write';
import { recordedCommand } from '../../lib/results/command';
import { studyNames } from '../../lib/results/store';
import { forgetRuns } from '../../lib/study/forget';
import type { Cell } from '../../lib/study/grid';
import { isRunHeld, ownerInWords } from '../../lib/study/run-lock';
import { interruption } from '../../lib/train/interruption';
import { reportPage } from '../studies/render';
import type { Table3Options } from './command';
import { listDetections } from './list';
import { type Table3Settings, table3Settings, teacherSeed } from './settings';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Runs the table, or its part, or lists it, and writes and prints what was measured. */
export async function runTable3(options: Table3Options): Promise<void> {
  const settings = await table3Settings(options);
  if (options.render) return render(settings, options);
  settings.notes.forEach(say);
  const data = settings.openData();
  [...new Set([...data.training.notes, ...data.evaluation.notes])].forEach(say);
  const plan = (): PlannedDetection[] => planOf(settings, options.results, settings.cells);
  const engine = await startEngine();
  const cost = detectionCost(plan(), (run) => {
    say(`Timing a step of ${detectionTitle(run)} here …`);
    return estimateStep(run, data);
  });
  if (options.list) {
    process.stdout.write(listDetections(plan(), cost, options.json === true));
    return;
  }
  if (!options.resume) await forgetRuns(plan());
  const runs = plan();
  announce(settings, data, engine, runs);
  const progress = detectionProgress({
    secondsOf: cost.secondsLeft,
    onSeconds: cost.measured,
  });
  const { signal, release } = interruption(() => {
    progress.stop();
    say('Stopping: saving this run first (Ctrl-C again stops at once) …');
  });
  try {
    await runDetectionStudy({
      study: settings.study,
      scale: settings.scale,
      resultsRoot: options.results,
      runs,
      data,
      teacherSeed,
      teacherRecipeOf: settings.teacherRecipeOf,
      givenTeachers: settings.weights.teachers,
      firstWeights: settings.weights.first,
      classMeansIterations: settings.classMeansIterations,
      engine,
      command: recordedCommand('reproduce:table3', process.argv.slice(2)),
      signal,
      onRun: (run, place) => progress.run(run, place),
      onRunEnd(run, outcome) {
        if (outcome === 'finished before') say(`${detectionTitle(run)}: done before`);
        if (outcome === 'finished elsewhere')
          say(`${detectionTitle(run)}: done by another process`);
      },
      onWait(waiting) {
        const named = waiting.flatMap(({ run, owner }) =>
          owner ? [`${detectionTitle(run)} (${ownerInWords(owner)})`] : [],
        );
        say(`Waiting for what other processes train: ${named.join(', ')}`);
      },
      onTeacher: ({ name, source }) => say(`teacher ${name}: ${source}`),
      onClassMeans(teacher, done, total) {
        if (done === 1 || done === total || done % 50 === 0) {
          say(`class means of ${teacher}: ${done} of ${total} batches`);
        }
      },
    });
  } finally {
    progress.stop();
    release();
  }
  await renderWhenComplete(settings, options);
}

function planOf(
  { study, recipeOf, teacherRecipeOf, weights }: Table3Settings,
  resultsRoot: string,
  cells: readonly Cell[],
): PlannedDetection[] {
  return planDetections({
    study,
    resultsRoot,
    cells,
    teacherSeed,
    recipeOf,
    teacherRecipeOf,
    givenTeachers: new Set(weights.teachers.keys()),
  });
}

function estimateStep({ recipe, teacher }: PlannedDetection, data: DetectionData): number {
  return estimateDetectionStep({
    student: recipe.detector,
    ...(teacher === null ? {} : { teacher: detectorForm(teacher) }),
    method: recipe.method,
    classes: data.training.classes.length,
    batch: recipe.batchSize,
    shortSide: recipe.sizes.evaluation,
    ...(recipe.sampling ? { sampling: recipe.sampling } : {}),
  });
}

function announce(
  { scale, data: name, classMeansIterations }: Table3Settings,
  { training, evaluation }: DetectionData,
  { engine, tensorflow, device }: EngineDescription,
  runs: readonly PlannedDetection[],
): void {
  say(
    `Data: ${name === 'shapes' ? 'shapes (drawn by this program)' : training.name}, ${training.training.length} + ` +
      `${evaluation.entries.length} images, ${training.classes.length} classes. Engine: ${engine} ` +
      `(${tensorflow === null ? 'TensorFlow.js alone' : `TensorFlow ${tensorflow}`}, ${device}).`,
  );
  if (scale !== 'paper' || name !== 'coco') {
    say(
      `This is ${scale} scale on ${name === 'shapes' ? 'drawn shapes' : training.name}, not the paper's setting (COCO 2017, ` +
        "180,000 iterations): its figures cannot be compared with the paper's.",
    );
  }
  const unfinished = runs.filter(({ finished }) => !finished);
  say(
    `${runs.length} runs, ${runs.length - unfinished.length} of them done; class means over ${classMeansIterations} batches. Ctrl-C saves.`,
  );
}

async function renderWhenComplete(settings: Table3Settings, options: Table3Options): Promise<void> {
  const whole = planOf(settings, options.results, settings.grid);
  const unfinished = whole.filter(({ finished }) => !finished);
  if (unfinished.length === 0) return render(settings, options);
  const running = unfinished.filter(({ directory }) => isRunHeld(directory));
  say(
    `Done here. Of the whole table ${unfinished.length} of ${whole.length} runs are not finished, ${running.length} of ` +
      'them under way elsewhere: who finishes last renders it (--render shows what is there).',
  );
  if (options.json) {
    const places = unfinished.map(({ directory }) => directory);
    process.stdout.write(`${JSON.stringify({ files: [], unfinished: places })}\n`);
  }
}

async function render({ study }: Table3Settings, options: Table3Options): Promise<void> {
  const { files, json, terminal } = await writeTable3({
    resultsRoot: options.results,
    study,
    folders: studyNames(options.results, 'table3-'),
  });
  const written = [...files, ...(await reportPage(options.results))];
  process.stdout.write(
    options.json ? `${JSON.stringify({ files: written, table: json })}\n` : `${terminal}\n`,
  );
  say(`Written: ${written.join(', ')}`);
}
