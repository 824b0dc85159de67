import { relative, sep } from 'node:path';
import { expect } from 'chai';
import { table3Study } from '../../reproduce/table3';
import { runGridHere } from '../support/command';
import { withFolder } from '../support/folder';

describe('reproduce:table3', () => {
  const folder = withFolder();

  it('refuses what cannot be run before anything is read, with the way out', async () => {
    const refusal = async (...args: string[]): Promise<string> => {
      const { status, stderr } = await runGridHere(table3Study, [...args, '--results', folder()]);
      expect(status).to.equal(1);
      return stderr;
    };
    expect(await refusal('--pairs', 'r101-fpn:r18-small')).to.contain('different sizes');
    expect(await refusal('--scale', 'short')).to.contain('--data coco:PATH');
    expect(await refusal('--scale', 'paper', '--data-dir', folder())).to.match(
      /the teacher r101-fpn is not there.*--teacher-weights/u,
    );
    const small = ['--pairs', 'r101-fpn:r18-fpn', '--short-side', '64'];
    expect(await refusal(...small)).to.match(
      /for small detectors \(--short-side\): found --pairs r101/,
    );
    const given = ['--teacher-weights', __filename, '--teacher-iterations', '5'];
    expect(await refusal(...given)).to.match(
      /\(--teacher-iterations\): found a given or .* r34-small/,
    );
    expect(await refusal('--data', `coco:${folder()}`)).to.contain('neither train2017');
  });

  it('keeps runs in bfloat16 apart', async () => {
    const args = ['--precision', 'bf16', '--list', '--json', '--results', folder()];
    const { status, stdout, stderr } = await runGridHere(table3Study, args);
    expect(status, stderr).to.equal(0);
    const { runs } = JSON.parse(stdout) as { runs: { directory: string }[] };
    const studies = runs.map(({ directory }) => relative(folder(), directory).split(sep)[1]);
    expect([...new Set(studies)]).to.deep.equal(['table3-quick-shapes-bf16']);
  });
});
