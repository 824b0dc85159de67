import { Command, InvalidArgumentError } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { downloadSource } from '../../lib/data/download-source';
import { folderPrefix } from '../../lib/data/folder';
import { dataDirectory, dataVariable } from '../../lib/data/paths';
import {
  checkDataset,
  type DatasetReport,
  dataSources,
  findSource,
  listDatasets,
} from '../../lib/data/registry';
import type { DatasetStatus, DataSource } from '../../lib/data/source';
import { type FetchedTable, fetchedTables } from '../../lib/data/tables/needs';
import { teachersSource } from '../../lib/data/teachers';
import { optionError, unknownName } from '../../lib/errors';
import { datasetNames } from '../datasets';
import { print, tableOf, wholeNumber as atLeastOne, withDataProgress } from './common';
import { fetchTableData, type TableDataOptions } from './data-tables';
import { fetchAndMeasureTeachers, type TeachersOptions } from './data-teachers';

interface CommonOptions {
  readonly dataDir?: string;
  readonly json?: true;
}

/** What is fetched by a command of its own. */
const ownCommands: Readonly<Record<string, string>> = {
  table2: 'npm run data -- table2',
  table3: 'npm run data -- table3',
  coco: 'npm run data -- table3',
  imagenet:
    'npm run data -- table2 --from ILSVRC2012_img_train.tar,ILSVRC2012_img_val.tar with the archives that image-net.org gave you',
};

runCommand(async () => {
  const program = new Command('npm run data --').description(
    `Lists, downloads and checks the data sets: ${datasetNames()}. fashion-mnist is part of the package; ` +
      'cifar10 and cifar100 are downloaded or read from a folder or archive that you have; folder:PATH is any ' +
      'folder of JPEG or PNG files in train/CLASS/ and val/CLASS/ (or test/CLASS/). table2 and table3 ' +
      'fetch all that those tables need: weights, COCO, and ImageNet from the archives that you have.',
  );
  common(program.command('list', { isDefault: true }))
    .description('what is there and what is not (the default)')
    .argument('[names...]', 'only these')
    .action(list);
  common(program.command('download'))
    .description('fetches a data set, going on where an earlier attempt stopped; checks its MD5')
    .argument('<name>', 'cifar10, cifar100 or cifar-teachers')
    .option('--form <form>', 'binary or python; both hold the same images (default: binary)')
    .option('--from <url>', 'folder of another server that has the official archive')
    .action(fetchData);
  common(program.command('cifar-teachers'))
    .description(
      'fetches the published CIFAR-100 teachers, unpacks them, and measures each where CIFAR-100 is there',
    )
    .option(
      '--from <place>',
      'cifar_teachers.tar that you have, or the address of a folder of another server that has it',
    )
    .option(
      '--sha256 <hex>',
      'what the archive’s SHA-256 must be (none was published; by default that of the first one)',
    )
    .option('--no-measure', 'load the teachers, but do not measure their accuracy')
    .action(teachers);
  for (const table of fetchedTables) tableCommand(program, table);
  common(program.command('check'))
    .description('reads a data set completely and verifies sizes, labels and official checksums')
    .argument('<name>', 'a data set or folder:PATH')
    .option('--image-size <pixels>', 'side of the images of folder:PATH (default: 32)', wholeNumber)
    .action(check);
  await parseCommand(program);
});

function tableCommand(program: Command, table: FetchedTable): void {
  common(program.command(table))
    .description(
      `lists what ${table} needs at the paper’s scale, fetches what is missing, checks it, and measures its teachers`,
    )
    .option('--only <names>', 'these parts or kinds of parts alone: resnet34,class-means')
    .option('--mirror <url>', 'folder of another server that has all files under their names')
    .option('--from <files>', 'files that were fetched by other means, told by their names: a,b')
    .option('--connections <number>', 'how many are open at once (default: 4)', atLeastOne)
    .option('--list', 'list, and fetch nothing')
    .option('--no-measure', 'do not measure the teachers on the data that are there')
    .option('--results <path>', 'where what was measured is kept', 'results')
    .action((options: TableDataOptions) => fetchTableData(table, options));
}

function common(command: Command): Command {
  return command
    .allowExcessArguments(false)
    .option(
      '--data-dir <path>',
      `where data sets lie, or a folder or archive itself (default: $${dataVariable}, ` +
        `else ${dataDirectory(undefined, {})})`,
    )
    .option('--json', 'print JSON on standard output');
}

async function list(names: readonly string[], { dataDir, json }: CommonOptions): Promise<void> {
  const known = dataSources.map(({ name }) => name);
  const unknown = names.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    const commands = ['list', 'download', 'cifar-teachers', ...fetchedTables, 'check'];
    throw unknownName('command or data set', unknown, [...new Set([...commands, ...known])]);
  }
  const all = await listDatasets({ dataDir });
  const shown = names.length === 0 ? all : all.filter(({ name }) => names.includes(name));
  print(json, shown, describeStatuses(shown));
}

async function fetchData(
  name: string,
  { dataDir, form, from, json }: CommonOptions & { readonly form?: string; readonly from?: string },
): Promise<void> {
  if (name === teachersSource.name) {
    if (form === undefined) return teachers({ dataDir, from, json });
    throw optionError`this option is for cifar10 and cifar100 (--form): found '${form}' for ${name}. Leave it out`;
  }
  const source = downloadable(name);
  const directory = dataDirectory(dataDir);
  const result = await withDataProgress((onProgress) =>
    downloadSource(source, { dataDir: directory, form, from, onProgress }),
  );
  const done = result.downloaded ? 'downloaded' : 'already there';
  print(json, { name, ...result }, `${name}: ${done}, checksum right: ${result.path}`);
}

/** @throws LabError of kind `option` for what is fetched otherwise, or is not known. */
function downloadable(name: string): DataSource {
  if (Object.hasOwn(ownCommands, name)) {
    throw optionError`this is fetched by a command of its own (data download): found '${name}'. Run ${ownCommands[name]}`;
  }
  const isKnown = dataSources.some((known) => known.name === name);
  if (isKnown || name.startsWith(folderPrefix)) return findSource(name);
  const known = dataSources.filter(({ downloads }) => downloads.size > 0);
  throw unknownName(
    'data set',
    name,
    [...known, teachersSource].map((one) => one.name),
  );
}

function teachers(options: TeachersOptions): Promise<void> {
  return withDataProgress((onProgress) => fetchAndMeasureTeachers(options, onProgress));
}

async function check(
  name: string,
  { dataDir, imageSize, json }: CommonOptions & { readonly imageSize?: number },
): Promise<void> {
  const report = await withDataProgress((onProgress) =>
    checkDataset(name, { dataDir, imageSize, onProgress }),
  );
  print(json, report, describeReport(report));
}

function describeStatuses(statuses: readonly DatasetStatus[]): string {
  const table = tableOf(['data set', 'state', 'what is there'], {
    colWidths: [null, null, Math.max(40, (process.stdout.columns ?? 120) - 32)],
    wordWrap: true,
  });
  for (const { name, state, form, path, detail, fix: mend } of statuses) {
    const title = dataSources.find((source) => source.name === name)?.title;
    const place = path === undefined ? undefined : `${form ?? 'in'}: ${path}`;
    const lines = [title, place, detail, mend === undefined ? undefined : `→ ${mend}`];
    table.push([name, state, lines.filter((line) => line !== undefined).join('\n')]);
  }
  return table.toString();
}

function describeReport({ name, form, path, official, detail, images }: DatasetReport): string {
  const rows: [string, string][] = [
    ['data set', name],
    ['from', `${form ?? ''} ${path ?? ''}`.trim()],
    ['official', `${official === null ? 'unknown' : official ? 'yes' : 'no'}: ${detail}`],
  ];
  if (images !== undefined) {
    const { train, test, classes, height, width, mean, std, perClass, hash } = images;
    const [fewest, most] = perClass;
    const spread = fewest === most ? `${fewest}` : `${fewest} to ${most}`;
    rows.push(
      ['images', `${train} train (${spread} a class), ${test} test, ${height}×${width}`],
      ['classes', String(classes)],
      ['mean, std', [mean, std].map((values) => values.map(fourDigits).join(' ')).join(', ')],
      ['SHA-256', hash],
    );
  }
  return rows.map(([label, value]) => `${label.padEnd(10)} ${value}`).join('\n');
}

function fourDigits(value: number): string {
  return value.toFixed(4);
}

function wholeNumber(text: string): number {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError('It must be a whole number.');
}
