import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { resultsError } from '../../lib/errors';
import { requireWritable, writeAtomic } from '../../lib/files';
import { claimsPage, claimsTerminal, withClaims } from '../../lib/report/claims/forms';
import { buildGlance } from '../../lib/report/claims/glance';
import { claimSources } from '../grid/report';

interface ClaimsOptions {
  readonly results: string;
  readonly readme: string;
  readonly json?: true;
}

const command = new Command('npm run claims --')
  .description(
    'The paper’s claims beside what the runs show, each on the strongest runs there are: prints them, and writes ' +
      'README.md of the results and the part of the project’s README between <!-- claims --> and <!-- /claims -->. ' +
      'Trains nothing; the same runs give the same text.',
  )
  .option('--results <path>', 'where the runs are', 'results')
  .option('--readme <file>', 'the page with the two comments; left alone without them', 'README.md')
  .option('--json', 'only print one JSON object: {claims, older, current, runs, hours, processors}')
  .allowExcessArguments(false)
  .action(showClaims);

function showClaims({ results, readme, json }: ClaimsOptions): void {
  const glance = buildGlance(claimSources(results));
  if (glance.runs === 0) {
    throw resultsError`there is no run to judge claims on (${results}): found no finished run. Run npm run reproduce:table1 first, or name another results directory`;
  }
  if (json === true) {
    process.stdout.write(`${JSON.stringify(glance)}\n`);
    return;
  }
  requireWritable(results, '--results');
  const written = [join(results, 'README.md')];
  writeAtomic(join(results, 'README.md'), claimsPage(glance));
  const page = existsSync(readme) ? withClaims(readFileSync(readme, 'utf8'), glance) : null;
  if (page !== null) {
    writeAtomic(readme, page);
    written.push(readme);
  }
  process.stdout.write(`${claimsTerminal(glance)}\n\nWritten: ${written.join(', ')}\n`);
}

runCommand(() => parseCommand(command));
