import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { applyPatches, listPatches } from '../../lib/engine/build-compile';
import { LabError } from '../../lib/errors';
import { withFolder } from '../support/folder';

const patch = `--- a/binding/source.cc
+++ b/binding/source.cc
@@ -1,3 +1,4 @@
 first
+between
 second
 third
`;

describe('patches of the binding', () => {
  const folder = withFolder();

  function write(name: string, text: string): string {
    const path = join(folder(), name);
    writeFileSync(path, text);
    return path;
  }

  it('are listed in the order of their names', () => {
    const second = write('02-b.patch', patch);
    const first = write('01-a.patch', patch);
    write('notes.md', '');
    expect(listPatches(folder())).to.deep.equal([first, second]);
    expect(listPatches()).to.be.an('array');
  });

  it('change the source that they name', () => {
    const source = write('source.cc', 'first\nsecond\nthird\n');
    applyPatches([write('one.patch', patch)], folder());
    expect(readFileSync(source, 'utf8')).to.equal('first\nbetween\nsecond\nthird\n');
  });

  it('are refused when they do not fit, with the names of both files', () => {
    const source = write('source.cc', 'other\nlines\naltogether\n');
    const apply = (): void => {
      applyPatches([write('one.patch', patch)], folder());
    };
    expect(apply).to.throw(LabError, /one\.patch, source\.cc/);
    expect(readFileSync(source, 'utf8')).to.equal('other\nlines\naltogether\n');
  });

  it('are refused when they name a file that is not there', () => {
    expect(() => {
      applyPatches([write('one.patch', patch)], folder());
    }).to.throw(LabError, /source\.cc/);
  });
});
