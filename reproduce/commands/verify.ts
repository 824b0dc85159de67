import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { SingleBar } from 'cli-progress';
import { Command, Option } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import type { EngineKind } from '../../lib/engine/describe';
import { startEngine } from '../../lib/engine/load';
import { packageRoot } from '../../lib/package-root';
import {
  type CaseResult,
  describeCase,
  describeTotal,
  type PlannedCase,
  planVerification,
  verifiableNames,
} from '../../lib/verify/directory';

/** The reference values of the tests, which the package leaves out. */
const ownReference = join(packageRoot(), 'test', 'fixtures', 'reference');

interface VerifyOptions {
  readonly parts?: string;
  readonly images?: string;
  readonly engine?: EngineKind;
  readonly json?: true;
}

/** Least time between two lines of progress where standard error is not a terminal, in ms. */
const lineInterval = 5000;

const command = new Command('npm run verify --')
  .description(
    'Compares losses, models and training with reference values computed by the published PyTorch code. ' +
      'Prints each failing case with what was expected and found, and closes with the number of cases that passed and failed. ' +
      'A case that cannot be run yet counts as failed; the exit status is 1 if any failed.',
  )
  .argument(
    '[directory]',
    'holds some or all of the files and folders that --parts names (default: the tests’, in a clone or a bundle)',
  )
  .option('--parts <names>', `just these, with commas between: ${verifiableNames.join(', ')}`)
  .option('--images <folder>', 'holds the images that preprocess.json names')
  .addOption(new Option('--engine <engine>', 'compute on this engine').choices(['native', 'plain']))
  .option('--json', 'one JSON object on standard output, text on standard error')
  .addHelpText(
    'after',
    '\nExamples:\n  npm run verify -- --parts losses\n  npm run verify -- test/fixtures/released',
  )
  .allowExcessArguments(false)
  .action(verify);

async function verify(directory = ownReference, options: VerifyOptions): Promise<void> {
  const { images } = options;
  const inputs = images === undefined ? {} : { images };
  const cases = planVerification(directory, options.parts?.split(','), inputs);
  await startEngine(options.engine === undefined ? {} : { engine: options.engine });
  const text = options.json ? process.stderr : process.stdout;
  const results = await runCases(cases, (result) => {
    for (const line of describeCase(result)) text.write(`${line}\n`);
  });
  text.write(`${describeTotal(results)}\n`);
  const failed = results.filter(({ passed }) => !passed).length;
  if (options.json) {
    const summary = { passed: results.length - failed, failed, cases: results };
    process.stdout.write(`${JSON.stringify(summary)}\n`);
  }
  if (failed > 0) process.exitCode = 1;
}

/** Runs the cases one by one under a progress bar, which is taken down around each line of text. */
async function runCases(
  cases: readonly PlannedCase[],
  onResult: (result: CaseResult) => void,
): Promise<CaseResult[]> {
  const bar = process.stderr.isTTY
    ? new SingleBar({ format: '{bar} {value}/{total} {file}{left}', clearOnComplete: true })
    : undefined;
  const results: CaseResult[] = [];
  const startedAt = Date.now();
  let printedAt = startedAt;
  for (const [index, { file, name, run }] of cases.entries()) {
    const left = describeTimeLeft(Date.now() - startedAt, index, cases.length);
    bar?.start(cases.length, index, { file, left });
    // A case computes without a pause: this is when the bar is drawn and Ctrl-C is heard.
    await setImmediate();
    if (bar === undefined && Date.now() - printedAt > lineInterval) {
      process.stderr.write(`verify: ${index} of ${cases.length} cases, ${file}: ${name}${left}\n`);
      printedAt = Date.now();
    }
    const result = await run();
    bar?.stop();
    onResult(result);
    results.push(result);
  }
  return results;
}

/** `, 12 s left`, once there is something to judge by. */
function describeTimeLeft(elapsed: number, done: number, total: number): string {
  if (elapsed < lineInterval || done === 0) return '';
  return `, about ${Math.ceil((elapsed / done / 1000) * (total - done))} s left`;
}

runCommand(() => parseCommand(command));
