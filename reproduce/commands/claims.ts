import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { Command } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { optionError, resultsError } from '../../lib/errors';
import { requireWritable, writeAtomic } from '../../lib/files';
import { claimsPage, claimsTerminal, withClaims } from '../../lib/report/claims/forms';
import { type AtGlance, buildGlance } from '../../lib/report/claims/glance';
import { claimSources } from '../grid/report';

interface ClaimsOptions {
  readonly results: string;
  readonly readme?: string;
  readonly json?: true;
}

/** The results that the project's own README tells. */
const ownResults = 'results';

const command = new Command('npm run claims --')
  .description(
    'The paper’s claims beside what the runs show, each on the strongest runs there are: prints them, and writes ' +
      'README.md of the results and the part of the project’s README between <!-- claims --> and <!-- /claims -->. ' +
      'Trains nothing; the same runs give the same text.',
  )
  .option('--results <path>', 'where the runs are', ownResults)
  .option(
    '--readme <file>',
    `the page with the two comments (default: README.md for the runs in ${ownResults}, none for others)`,
  )
  .option('--json', 'only print one JSON object: {claims, older, current, runs, hours, processors}')
  .allowExcessArguments(false)
  .action(showClaims);

function showClaims(options: ClaimsOptions): void {
  const { results, json } = options;
  const glance = buildGlance(claimSources(results));
  if (glance.runs === 0) {
    throw resultsError`there is no run to judge claims on (${results}): found no finished run. Run npm run reproduce:table1 first, or name another results directory`;
  }
  if (json === true) {
    const { claims, older, current, runs, hours, processors } = glance;
    process.stdout.write(
      `${JSON.stringify({ claims, older, current, runs, hours, processors })}\n`,
    );
    return;
  }
  requireWritable(results, '--results');
  const own = join(results, 'README.md');
  const pages = [[own, claimsPage(glance)] as const, ...pageWith(glance, own, options)];
  pages.forEach(([file, text]) => writeAtomic(file, text));
  const written = pages.map(([file]) => file).join(', ');
  process.stdout.write(`${claimsTerminal(glance)}\n\nWritten: ${written}\n`);
}

/** The page that has a part for the claims; none where none is named and the results are not the project's own. */
function pageWith(
  glance: AtGlance,
  own: string,
  { results, readme }: ClaimsOptions,
): (readonly [file: string, text: string])[] {
  const isOwn = resolve(results) === resolve(ownResults);
  const file = readme ?? (isOwn ? 'README.md' : null);
  if (file === null) return [];
  const link = relative(dirname(file), own).split(sep).join('/');
  const page = existsSync(file) ? withClaims(readFileSync(file, 'utf8'), glance, link) : null;
  if (page !== null) return [[file, page]];
  if (readme === undefined) return [];
  throw optionError`there is no place for the claims (--readme): found no <!-- claims --> and <!-- /claims --> in ${file}. Write both into the page, or leave --readme out`;
}

runCommand(() => parseCommand(command));
