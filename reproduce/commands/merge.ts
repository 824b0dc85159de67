import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { fileError, resultsError } from '../../lib/errors';
import { requireWritable } from '../../lib/files';
import { inTemporaryFolder } from '../../lib/processes';
import { type MergedRuns, mergeRuns, recordFiles } from '../../lib/runs/merge';
import { holdsParts, unpackParts } from '../bundle/parts';
import { registerDatasets } from '../datasets';
import { recipesOfRun } from '../grid/cifar';
import { print } from './common';

interface MergeOptions {
  readonly results: string;
  readonly json?: true;
}

const command = new Command('npm run merge --')
  .description(
    'Takes runs that were made on another machine into the results here: what bundle --collect packed, or a folder of results. A run comes whole or not at all; refused are those that do not verify, whose recipe is another, or whose place is taken.',
  )
  .argument('<folder>', 'folder of parts, an archive (.tar.gz), or a folder with runs/ in it')
  .option('--results <path>', 'the results that take them', 'results')
  .option('--json', 'one JSON object on standard output')
  .allowExcessArguments(false)
  .action(merge);

/** The records of a run in an archive; whatever else lies there stays there. */
const isRecord = (path: string): boolean => {
  const [, file = ''] = /^(?:\.\/)?runs(?:\/[^/]+){3}\/seed-\d+\/([^/]+)$/.exec(path) ?? [];
  return recordFiles.includes(file);
};

async function merge(source: string, { results, json }: MergeOptions): Promise<void> {
  requireWritable(results, '--results');
  // The user's own networks too, by which runs are known.
  registerDatasets();
  const found = statSync(source, { throwIfNoEntry: false });
  const take = (from: string): Promise<MergedRuns> =>
    mergeRuns({ from, into: results, recipesOf: recipesOfRun });
  let outcome: MergedRuns;
  if (found?.isDirectory() && existsSync(join(source, 'runs'))) outcome = await take(source);
  else if (found?.isFile() || (found?.isDirectory() && holdsParts(source))) {
    outcome = await inTemporaryFolder('merge', async (folder) => {
      await unpackParts(source, folder, isRecord);
      return take(folder);
    });
  } else {
    throw fileError`there are no runs to merge (${source}): found ${found === undefined ? 'no such file' : 'neither SHA256SUMS nor runs/'}. Name what bundle --collect wrote, or a folder of results`;
  }
  const { merged, present, refused } = outcome;
  if (merged.length + present.length + refused.length === 0) {
    throw resultsError`there are no runs to merge (${source}): found no runs/STUDY/PAIR/METHOD/seed-N in it. Pack them with bundle --collect`;
  }
  const lines = [
    `${merged.length} runs merged into ${results}, ${present.length} were there already, ${refused.length} refused.`,
    ...merged.map((run) => `merged: ${run}`),
    ...refused.map(({ run, why, fix }) => `refused: ${run}: ${why}. ${fix}`),
    ...(merged.length > 0 ? ['Render them: npm run report'] : []),
  ];
  print(json, outcome, lines.join('\n'));
  if (refused.length > 0) process.exitCode = 1;
}

runCommand(() => parseCommand(command));
