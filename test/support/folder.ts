import { rmSync } from 'node:fs';
import { temporaryFolder } from '../../lib/processes';

/** A fresh folder for each test of the enclosing `describe`, removed after it; of a process that was killed, by the next. */
export function withFolder(): () => string {
  let folder = '';
  beforeEach(() => {
    folder = temporaryFolder('test');
  });
  afterEach(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return () => folder;
}
