import { Command } from 'commander';
import { parseCommand, runCommand } from '../../lib/cli';
import { listDatasets } from '../../lib/data/registry';
import type { DatasetStatus } from '../../lib/data/source';
import { type Check, diagnose } from '../../lib/doctor';

const command = new Command('npm run doctor --')
  .description(
    'Tells the state of everything this laboratory uses, with the command that mends each fault. Exit status 1 when a needed thing is broken; what is optional is only a warning.',
  )
  .option(
    '--json',
    'print one JSON object on standard output: {checks: [{name, state, detail, mend?}]}',
  )
  .action(doctor);

async function doctor({ json }: { json?: true }): Promise<void> {
  const checks = [...(await diagnose()), ...(await listDatasets()).map(checkDataset)];
  process.stdout.write(json === true ? `${JSON.stringify({ checks })}\n` : describe(checks));
  if (checks.some(({ state }) => state === 'fault')) process.exitCode = 1;
}

function checkDataset({ name, state, detail, fix: mend }: DatasetStatus): Check {
  return {
    name: `data: ${name}`,
    // A data set that is not there yet is fetched or named when it is wanted.
    state: state === 'broken' ? 'fault' : state === 'missing' ? 'warning' : 'ok',
    detail,
    fix: mend,
  };
}

function describe(checks: readonly Check[]): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, state, detail, fix: mend }) => [
    `${state.padEnd('warning'.length)}  ${name.padEnd(width)}  ${detail}`,
    ...(mend === undefined ? [] : [`${' '.repeat('warning'.length + width + 4)}→ ${mend}`]),
  ]);
  const count = (state: Check['state']): number =>
    checks.filter((check) => check.state === state).length;
  const summary = `${String(count('fault'))} faults, ${String(count('warning'))} warnings, ${String(count('ok'))} ok`;
  return [...lines, '', summary, ''].join('\n');
}

runCommand(() => parseCommand(command));
