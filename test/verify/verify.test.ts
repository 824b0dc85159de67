import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { ProgramResult } from '../../lib/engine/program';
import { readJson } from '../../lib/files';
import { planVerification } from '../../lib/verify/directory';
import { runTypeScript } from '../support/child';
import { runHere } from '../support/command';
import { withEngine } from '../support/engine';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

const command = join(__dirname, '..', '..', 'reproduce', 'commands', 'verify.ts');
const fixtures = join(__dirname, '..', 'fixtures', 'reference');

interface LossesFixture {
  cases: { losses: Record<string, { value: number; grad: number[] }> }[];
}

describe('npm run verify', () => {
  const folder = withFolder();

  withEngine('native');

  function verify(...args: string[]): Promise<ProgramResult> {
    return runHere(command, args);
  }

  function copy(name: string): string {
    const path = join(folder(), name);
    cpSync(join(fixtures, name), path);
    return path;
  }

  /** losses.json with one number changed. */
  function tamper(): void {
    const path = copy('losses.json');
    const reference = readJson(path, 'none') as LossesFixture;
    const nd = reference.cases[2]?.losses['nd'] ?? expect.fail('fixture');
    expect(nd.value).to.be.closeTo(1.00529, 1e-4);
    nd.value = 1.25;
    writeFileSync(path, JSON.stringify(reference));
  }

  it('passes the reference losses and closes with the count', async () => {
    copy('losses.json');
    const { status, stdout } = await runTypeScript(command, [folder()], {
      NORM_DIRECTION_LAB_ENGINE: 'plain',
    });
    expect(stdout).to.equal('42 passed, 0 failed\n');
    expect(status).to.equal(0);
  });

  it('prints what was expected and found of a changed number, and ends with status 1', async () => {
    tamper();
    const { status, stdout } = await verify(folder());
    expect(stdout).to.match(
      /FAILED losses\.json: mixed\/nd: value: expected 1\.25 ± 0\.000013, found 1\.0052\d+\n/,
    );
    expect(stdout.endsWith('41 passed, 1 failed\n')).to.equal(true);
    expect(status).to.equal(1);
  });

  it('gives one JSON object with --json, and the text on standard error', async () => {
    tamper();
    const { status, stdout, stderr } = await verify(folder(), '--json');
    const report = JSON.parse(stdout) as {
      passed: number;
      failed: number;
      cases: { name: string; passed: boolean; mismatches: { expected: string }[] }[];
    };
    expect([report.passed, report.failed, report.cases.length]).to.deep.equal([41, 1, 42]);
    const failed = report.cases.filter(({ passed }) => !passed);
    expect(failed.map(({ name }) => name)).to.deep.equal(['mixed/nd']);
    expect(failed[0]?.mismatches[0]?.expected).to.match(/^1\.25/);
    expect(stderr).to.contain('41 passed, 1 failed\n');
    expect(status).to.equal(1);
  });

  it('counts a folder without its files, and a broken file, as failed', async () => {
    copy('losses.json');
    mkdirSync(join(folder(), 'coco-eval', 'tiny'), { recursive: true });
    const text = readFileSync(join(fixtures, 'trajectories.json'), 'utf8');
    writeFileSync(join(folder(), 'trajectories.json'), text.slice(0, text.length / 2));
    const { status, stdout } = await verify(folder());
    expect(stdout).to.match(/FAILED coco-eval: tiny: a file cannot be read .*expected\.json/);
    expect(stdout).to.match(/FAILED trajectories\.json: as a whole: a file is not valid JSON/);
    expect(stdout.endsWith('42 passed, 2 failed\n')).to.equal(true);
    expect(status).to.equal(1);
  });

  it('counts a file in which there is nothing to compare as failed', async () => {
    writeFileSync(join(folder(), 'trajectories.json'), '{"runs": []}');
    const { status, stdout } = await verify(folder());
    expect(stdout).to.match(/FAILED trajectories\.json: as a whole: reference values hold no case/);
    expect([status, stdout.endsWith('0 passed, 1 failed\n')]).to.deep.equal([1, true]);
  });

  it('runs just what --parts names', async () => {
    copy('losses.json');
    mkdirSync(join(folder(), 'coco-eval', 'tiny'), { recursive: true });
    const { status, stdout } = await verify('--parts', 'coco-eval', folder());
    expect(stdout.endsWith('0 passed, 1 failed\n')).to.equal(true);
    expect(status).to.equal(1);
  });

  it('refuses a directory without reference values, in one line', async () => {
    writeFileSync(join(folder(), 'notes.txt'), 'nothing');
    const { status, stdout, stderr } = await verify(folder());
    expect(stderr).to.match(/error: the directory holds no reference values .*losses\.json/);
    expect(stdout).to.equal('');
    expect(status).to.equal(1);
  });
});

describe('planning a verification', () => {
  const folder = withFolder();

  it('refuses a directory that is none', async () => {
    const fault = await faultOf(() => planVerification(join(folder(), 'nowhere')));
    expect(fault.what).to.equal('no such directory of reference values');
  });

  it('refuses an unknown name, suggesting the nearest, and one that is not there', async () => {
    cpSync(join(fixtures, 'losses.json'), join(folder(), 'losses.json'));
    const unknown = await faultOf(() => planVerification(folder(), ['loses']));
    expect(unknown.fix).to.contain("Did you mean 'losses'?");
    const missing = await faultOf(() => planVerification(folder(), ['losses', 'checkpoints']));
    expect(missing.what).to.equal('the directory lacks checkpoints');
  });

  it('names the first place of a file of another form', async () => {
    writeFileSync(join(folder(), 'losses.json'), '{"cases": [{"name": 3}]}');
    const [only, ...others] = planVerification(folder());
    expect(others).to.deep.equal([]);
    const { passed, reason } = (await only?.run()) ?? expect.fail('no case');
    expect(passed).to.equal(false);
    expect(reason).to.contain('cases.0.name');
  });

  it('lists a loss that this package does not have as one that cannot be run', async () => {
    const scenario = {
      name: 'new',
      prefix: 'p',
      batch: 1,
      dim: 1,
      classes: 1,
      studentScale: 1,
      labels: [0],
      losses: { margin: { value: 0, grad: [0] } },
    };
    writeFileSync(join(folder(), 'losses.json'), JSON.stringify({ cases: [scenario] }));
    const [only] = planVerification(folder());
    expect(await only?.run()).to.include({
      file: 'losses.json',
      name: 'new/margin',
      passed: false,
      reason: "cannot be run yet: loss 'margin'",
    });
  });
});
