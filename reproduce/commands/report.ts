import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Command } from 'commander';
import { runCommand } from '../../lib/cli';
import { requireWritable } from '../../lib/files';
import { writePages } from '../../lib/report/write';
import { reportOf } from '../grid/report';

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

/** Whether someone at a display asks; elsewhere the path that is printed must do. */
export function hasReader({
  stdout,
  env,
  platform,
}: {
  readonly stdout: { readonly isTTY?: boolean };
  readonly env: Readonly<Partial<Record<string, string>>>;
  readonly platform: NodeJS.Platform;
}): boolean {
  const display = env['DISPLAY'] || env['WAYLAND_DISPLAY'];
  return stdout.isTTY === true && (platform === 'darwin' || platform === 'win32' || !!display);
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

if (require.main === module) runCommand(() => command.parseAsync());
