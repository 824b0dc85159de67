import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { typeScriptArguments } from '../support/child';
import { withEngine } from '../support/engine';
import { withFolder } from '../support/folder';
import { writeImageFolder } from '../support/image-folder';

const root = join(__dirname, '..', '..');
const program = join(root, 'reproduce', 'table1.ts');

/** Runs the command; sends a signal once it has printed `until`. */
function run(
  args: readonly string[],
  stop?: { readonly until: RegExp; readonly signal: NodeJS.Signals },
): Promise<{ status: number | null; stderr: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, typeScriptArguments(program, ...args), {
      cwd: root,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let stderr = '';
    let sent = false;
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      if (stop && !sent && stop.until.test(stderr)) {
        sent = true;
        child.kill(stop.signal);
      }
    });
    child.on('close', (status) => resolve({ status, stderr }));
  });
}

describe('an interrupted reproduction', function () {
  this.timeout(180_000);
  withEngine('native');
  const folder = withFolder();

  // SIGTERM is what a task of an array gets that is preempted: it has its run from a manifest.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGKILL'] as const) {
    it(`goes on after ${signal} and ends with the same bytes`, async () => {
      await writeImageFolder(join(folder(), 'images'), { train: 40 });
      const manifest = join(folder(), 'left.csv');
      const lines = ['pair,method,seed', 'resnet8:resnet8,dkd,1', 'resnet8:resnet8,kd++,1'];
      writeFileSync(manifest, lines.join('\n'));
      const options = [
        ...(signal === 'SIGTERM'
          ? ['--manifest', manifest, '--index', '1']
          : ['--pairs', 'resnet8:resnet8', '--methods', 'kd++']),
        ...['--data', `folder:${join(folder(), 'images')}`],
        ...['--epochs', '6', '--teacher-epochs', '1', '--batch', '8'],
      ];
      const broken = join(folder(), 'broken');
      const stopped = await run([...options, '--results', broken], {
        until: /kd\+\+ seed 1: epoch 2\/6/,
        signal,
      });
      if (signal !== 'SIGKILL') {
        expect(stopped.status, stopped.stderr).to.equal(130);
        expect(stopped.stderr).to.match(/saving.*everything is saved.*same command/s);
      }
      const study = readdirSync(join(broken, 'runs'))[0] as string;
      const directory = (results: string): string =>
        join(results, 'runs', study, 'resnet8-resnet8', 'kd++', 'seed-1');
      expect(existsSync(join(directory(broken), 'weights.safetensors'))).to.equal(false);

      const resumed = await run([...options, '--results', broken]);
      expect(resumed.status, resumed.stderr).to.equal(0);
      expect(resumed.stderr).to.match(/kd\+\+ seed 1: resumed after epoch \d, batch \d+/);

      const whole = join(folder(), 'whole');
      expect((await run([...options, '--results', whole])).status).to.equal(0);
      for (const name of ['weights.safetensors', 'metrics.jsonl', 'config.json']) {
        const [first, second] = [broken, whole].map((results) =>
          readFileSync(join(directory(results), name)),
        );
        expect(first?.equals(second ?? Buffer.alloc(0)), name).to.equal(true);
      }
    });
  }
});
