import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { runProgram } from '../../lib/engine/program';
import { LabError } from '../../lib/errors';
import { ensureCompiled } from '../../lib/notebook/compiled';
import { startKernel } from '../../lib/notebook/kernel';
import { notebookText } from '../../lib/notebook/notebook-file';
import { executeNotebook } from '../../lib/notebook/run';
import { withFolder } from '../support/folder';
import { notebookOf } from '../support/notebook';
import { type Fault, partsOf } from '../support/faults';

async function faultOf(...cells: readonly string[]): Promise<Fault> {
  try {
    await executeNotebook(notebookOf(...cells), 'some.ipynb');
  } catch (error) {
    expect(error).to.be.instanceOf(LabError);
    return partsOf(error as LabError);
  }
  throw new Error('the notebook did not fail');
}

describe('a notebook in the project’s kernel', function () {
  this.timeout(300_000);
  const root = withFolder();

  before(() => ensureCompiled(() => undefined));

  it('is executed cell by cell, with what each prints and shows', async () => {
    const { cells } = await executeNotebook(
      notebookOf(
        "import { showTable } from 'norm-direction-lab/notebook';\nconst two: number = 2;",
        'console.log(two + 3);',
        "showTable({ columns: ['a'], values: [[1.5]] });",
      ),
      'some.ipynb',
    );
    expect(cells.map((cell) => cell['execution_count'])).to.deep.equal([1, 2, 3]);
    expect(JSON.stringify(cells[1]?.['outputs'])).to.include('5\\n');
    const shown = JSON.stringify(cells[2]?.['outputs']);
    expect(shown).to.include('text/html').and.to.include('1.50');
  });

  it('fails with a cell that throws, a wrong type, or what throws after its cell', async () => {
    const thrown = await faultOf('const a = 1;', "throw new Error('boom');");
    expect(thrown.where).to.equal('some.ipynb, code cell 2');
    expect(thrown.found).to.include('boom');

    const typed = await faultOf("const n: number = 'five';");
    expect(typed.found).to.match(/^1:7 - Type 'string' is not assignable to type 'number'/u);

    const late = await faultOf(
      "setTimeout(() => { throw new Error('later') }, 50);",
      'const b = 2;',
    );
    expect(late.what).to.equal('something failed after its cell had ended');
    expect(late.found).to.include('later');

    const rejected = await faultOf("void Promise.reject(new Error('nobody waits'));");
    expect(rejected.found).to.include('nobody waits');
  });

  it('fails when its kernel dies, and says how', async () => {
    const fault = await faultOf('process.exit(3);');
    expect(fault.what).to.equal('some.ipynb, code cell 1: the kernel died');
    expect(fault.found).to.include('exit status 3');
  });

  it('names the line of the library that an error comes from', async () => {
    const fault = await faultOf(
      [
        "import * as tf from '@tensorflow/tfjs';",
        "import { kdLoss } from 'norm-direction-lab';",
        'kdLoss(tf.zeros([2, 3]), tf.zeros([2, 4]));',
      ].join('\n'),
    );
    const [, file, line] = /(lib\/losses\/[\w-]+\.ts):(\d+):\d+/u.exec(String(fault.found)) ?? [];
    expect(file, String(fault.found)).to.be.a('string');
    const source = readFileSync(join(__dirname, '../..', file ?? ''), 'utf8').split('\n');
    expect(source[Number(line) - 1]).to.match(/Error`|throw|refuse|require|check/u);
  });

  it('completes the names of the library', async () => {
    const kernel = await startKernel();
    try {
      const code = "import { normDirectionLoss } from 'norm-direction-lab';\nnormDirec";
      const { content } = await kernel.request('complete_request', {
        code,
        cursor_pos: code.length,
      });
      expect(content['matches']).to.include('normDirectionLoss');
    } finally {
      await kernel.stop();
    }
  });

  it('makes the command fail, and is left as it was', async () => {
    const text = notebookText(notebookOf("throw new Error('boom');"));
    const file = join(root(), 'failing.ipynb');
    writeFileSync(file, text);
    const project = join(__dirname, '../..');
    const { status, stdout, stderr } = await runProgram(
      process.execPath,
      ['--require', './lib/typescript.cjs', 'reproduce/commands/notebooks.ts', file, '--json'],
      { cwd: project, env: process.env },
    );
    expect(status).to.equal(1);
    expect(stderr).to.include('1 of 1 notebooks failed').and.to.include('boom');
    const { notebooks } = JSON.parse(stdout) as { notebooks: { written: string | null }[] };
    expect(notebooks[0]?.written).to.equal(null);
    expect(readFileSync(file, 'utf8')).to.equal(text);
  });
});
