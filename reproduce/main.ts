#!/usr/bin/env node
import { existsSync } from 'node:fs';
import Module from 'node:module';
import { extname, join } from 'node:path';
import { runCommand } from '../lib/cli';
import { optionError, unknownName } from '../lib/errors';
import { packageRoot } from '../lib/package-root';

/** A command: its file below this folder, and what it does in one line. */
interface ListedCommand {
  readonly file: string;
  readonly does: string;
  /** A folder of the repository that the package leaves out and the command works on. */
  readonly cloneOnly?: string;
}

/**
 * Every command, by what follows `norm-direction-lab`. The scripts of package.json have the same names,
 * tables and studies with `reproduce:` before them.
 */
export const commands: Readonly<Record<string, ListedCommand>> = {
  table1: { file: 'table1', does: 'CIFAR-100: trains what is missing and prints table 1' },
  table2: { file: 'table2', does: 'ImageNet, or a folder of images' },
  table3: { file: 'table3', does: 'COCO, or drawn shapes' },
  norm: { file: 'norm', does: 'study: the loss of the norm' },
  direction: { file: 'direction', does: 'study: the loss of the direction' },
  ablation: { file: 'ablation', does: 'study: what ND is made of' },
  teachers: { file: 'teachers', does: 'study: growing teachers' },
  claims: { file: 'commands/claims', does: 'the paper’s claims, and how far they held here' },
  report: { file: 'commands/report', does: 'every table and study as a page, from the runs' },
  engine: { file: 'commands/engine', does: 'builds TensorFlow’s binding' },
  doctor: { file: 'commands/doctor', does: 'what is missing here, and how to mend it' },
  data: { file: 'commands/data', does: 'lists, downloads and checks data sets' },
  'class-means': { file: 'commands/class-means', does: 'class means of a teacher' },
  evaluate: { file: 'commands/evaluate', does: 'accuracy of a network on a folder of images' },
  export: { file: 'commands/export', does: 'a trained student for PyTorch' },
  tensorboard: { file: 'commands/tensorboard', does: 'TensorBoard’s event files from the runs' },
  bundle: {
    file: 'commands/bundle',
    does: 'packs all for a machine without a network, or its runs',
  },
  merge: { file: 'commands/merge', does: 'takes runs made elsewhere into the results here' },
  verify: { file: 'commands/verify', does: 'the mathematics against reference values' },
  'gpu-check': { file: 'commands/gpu-check', does: 'what a GPU computes, in 20 minutes' },
  bench: { file: 'commands/bench', does: 'times a training step and its parts' },
  'bench:all': { file: 'commands/bench-all', does: 'every row of docs/performance.md' },
  'bench:table2': { file: 'commands/bench-table2', does: 'time and memory of a step on ImageNet' },
  'coco-eval': { file: 'commands/coco-eval', does: 'COCO’s figures for detections' },
  'coco-pictures': { file: 'commands/coco-pictures', does: 'images with what detectors found' },
  detector: { file: 'commands/detector', does: 'trains one small detector' },
  lab: { file: 'commands/lab', does: 'the notebooks in JupyterLab', cloneOnly: 'notebooks' },
  notebooks: { file: 'commands/notebooks', does: 'executes the notebooks', cloneOnly: 'notebooks' },
};

/** Whether this is the compiled package, which people call by its own name and not by `npm run`. */
const isPackage = extname(__filename) === '.js';
const call = process.env['NORM_DIRECTION_LAB_CALL'] ?? 'npx norm-direction-lab';

const isThere = ({ cloneOnly }: ListedCommand): boolean =>
  cloneOnly === undefined || existsSync(join(packageRoot(), cloneOnly));

/** A text with the scripts in it, `npm run reproduce:table1 -- --list`, as calls of the package. */
export function inWordsOfPackage(text: string): string {
  return text.replace(
    /npm run (?:reproduce:)?([a-z][\w:-]*\w)(?: --(?![-\w]))?/g,
    (script, name: string) => {
      const command = commands[name];
      return command?.cloneOnly === undefined && command !== undefined ? `${call} ${name}` : script;
    },
  );
}

function speakOfPackage(stream: NodeJS.WriteStream): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...others: unknown[]) => boolean;
  stream.write = (chunk: unknown, ...others: unknown[]) =>
    write(typeof chunk === 'string' ? inWordsOfPackage(chunk) : chunk, ...others);
}

function helpText(): string {
  const width = Math.max(...Object.keys(commands).map(({ length }) => length));
  const lines = Object.entries(commands).map(([name, command]) => {
    const note = isThere(command) ? '' : ' (in a clone of the repository)';
    return `  ${name.padEnd(width)}  ${command.does}${note}`;
  });
  return `Usage: ${call} <command> [options]

Data sets, runs and results lie below the current folder unless options say otherwise.

Commands:
${lines.join('\n')}

Each has --help.
`;
}

async function main([name = 'help', ...options]: readonly string[]): Promise<void> {
  if (isPackage) for (const stream of [process.stdout, process.stderr]) speakOfPackage(stream);
  if (['help', '--help', '-h'].includes(name)) {
    process.stdout.write(helpText());
    return;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) throw unknownName('command', name, Object.keys(commands));
  if (!isThere(command)) {
    throw optionError`this command works on a folder that the package leaves out (${name}): found no ${command.cloneOnly}/. Run npm run ${name} in a clone of the repository`;
  }
  // The command becomes the program itself, so that what it starts again, for --jobs, is the command.
  const file = join(__dirname, `${command.file}${extname(__filename)}`);
  process.argv.splice(1, process.argv.length, file, ...options);
  Module.runMain();
}

if (require.main === module) runCommand(() => main(process.argv.slice(2)));
