import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { requireWritable } from '../../lib/files';
import { writePages } from '../../lib/report/write';
import { reportOf } from '../grid/report';

interface ReportOptions {
  readonly results: string;
  readonly output?: string;
  readonly open?: true;
  readonly json?: true;
}

const command = new Command('npm run report --')
  .description(
    'Makes the report from the runs that are there: REPORT.html with every table and study, and a page of each. ' +
      'Trains nothing; the pages need no network, and the same runs give the same pages.',
  )
  .option('--results <path>', 'where the runs are', 'results')
  .option('--output <folder>', 'where the pages go (default: beside the runs)')
  .option('--open', 'show the report in the browser, if there is one')
  .option('--json', 'one JSON object on standard output: {files}')
  .allowExcessArguments(false)
  .action(writeReport);

async function writeReport({ results, output, open, json }: ReportOptions): Promise<void> {
  requireWritable(output ?? results, output === undefined ? '--results' : '--output');
  const files = await writePages(reportOf(results), output ?? results);
  process.stdout.write(
    json === true ? `${JSON.stringify({ files })}\n` : `Written: ${files.join(', ')}\n`,
  );
  const [report] = files;
  if (open === true && report !== undefined) await openInBrowser(report);
}

/** Shows a file with the system's own opener; says where it lies when there is none. */
function openInBrowser(file: string): Promise<void> {
  const address = pathToFileURL(resolve(file)).href;
  const openers: Partial<Record<NodeJS.Platform, string>> = { darwin: 'open', win32: 'explorer' };
  return new Promise((done) => {
    const child = spawn(openers[process.platform] ?? 'xdg-open', [address], {
      detached: true,
      stdio: 'ignore',
    });
    child.once('error', () => {
      process.stderr.write(`No browser was found here. Open ${address}\n`);
      done();
    });
    child.once('spawn', () => {
      child.unref();
      done();
    });
  });
}

runCommand(() => parseCommand(command));
