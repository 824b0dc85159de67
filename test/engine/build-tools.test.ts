import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { findCompiler, findNodeHeaders } from '../../lib/engine/program';
import { withFolder } from '../support/folder';

describe('the tools of the build', () => {
  const folder = withFolder();

  function headers(root: string): string {
    const place = join(root, 'include', 'node');
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'node_api.h'), '');
    return place;
  }

  it("are Node's headers beside the running node", () => {
    const place = headers(join(folder(), 'prefix'));
    const node = join(folder(), 'prefix', 'bin', 'node');
    expect(findNodeHeaders({}, node)?.name).to.equal(place);
  });

  it("or those in npm's nodedir, which comes first", () => {
    headers(join(folder(), 'prefix'));
    const place = headers(join(folder(), 'elsewhere'));
    const environment = { npm_config_nodedir: join(folder(), 'elsewhere') };
    const node = join(folder(), 'prefix', 'bin', 'node');
    expect(findNodeHeaders(environment, node)?.name).to.equal(place);
  });

  it('are missing where node_api.h is', () => {
    mkdirSync(join(folder(), 'include', 'node'), { recursive: true });
    const found = findNodeHeaders({}, join(folder(), 'bin', 'node'));
    expect(found?.name ?? '').to.not.include(folder());
  });

  it('take the compiler that CXX names, and no other in its place', async () => {
    expect(await findCompiler({ CXX: join(folder(), 'no-such-compiler') })).to.equal(undefined);
  });
});
