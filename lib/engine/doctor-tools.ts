import { findCompiler, findNodeHeaders, findPip, findPython, toolRemedies } from './build-tools';
import type { FoundTool } from './build-tools';
import type { Check } from './doctor';

/** The oldest Node that runs this package. */
export const oldestNode: readonly [number, number] = [20, 19];

/** Node itself. */
export function checkNode(version: string = process.versions.node): Check {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor, oldestMinor] = oldestNode;
  const isNewEnough = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor);
  return isNewEnough
    ? { name: 'Node', state: 'ok', detail: version }
    : {
        name: 'Node',
        state: 'fault',
        detail: `${version}, older than ${oldestNode.join('.')}`,
        mend: 'Install Node 20.19 or later: nvm install 22, or from nodejs.org',
      };
}

/** Node and what building the engine needs; the latter are only warnings once it is built. */
export async function checkTools(engineBuilt: boolean): Promise<readonly Check[]> {
  const [python, compiler] = await Promise.all([findPython(), findCompiler()]);
  const pip = python === undefined ? undefined : await findPip(python.name);
  const tool = (name: string, found: FoundTool | undefined, mend: string): Check => {
    if (found !== undefined) return { name, state: 'ok', detail: found.detail };
    const state = engineBuilt ? 'warning' : 'fault';
    const use = engineBuilt ? 'not needed while the engine is built' : 'needed to build the engine';
    return { name, state, detail: `not found; ${use}`, mend };
  };
  return [
    checkNode(),
    tool('Python 3', python, toolRemedies.python),
    tool('pip', pip, toolRemedies.pip),
    tool('C++ compiler', compiler, toolRemedies.compiler),
    tool("Node's headers", findNodeHeaders(), toolRemedies.nodeHeaders),
  ];
}
