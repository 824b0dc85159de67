import { Command } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { requireWritable } from '../../lib/files';
import { writePages } from '../../lib/report/write';
import { reportOf } from '../grid/report';
import { hasReader, openInBrowser } from './browser';

interface ReportOptions {
  readonly results: string;
  readonly output?: string;
  readonly open: boolean;
  readonly json?: true;
}

const command = new Command('npm run report --')
  .description(
    'Makes the report from the runs that are there: REPORT.html with the paper’s claims and how far they held, and ' +
      'pages of every table and study. Trains nothing; the pages need no network, can be served as they are, and ' +
      'the same runs give the same pages. On a terminal with a display it opens in the browser.',
  )
  .option('--results <path>', 'where the runs are', 'results')
  .option('--output <folder>', 'where the pages go (default: beside the runs)')
  .option('--no-open', 'only write it')
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
  if (open && report !== undefined && hasReader(process)) await openInBrowser(report);
}

runCommand(() => parseCommand(command));
