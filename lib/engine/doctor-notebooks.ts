import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { z } from 'zod';
import { lastLines, runProgram } from './build-program';
import type { Check } from './doctor';

const installJupyter = 'python3 -m pip install jupyterlab';
const installKernel = 'npx tslab install';
const patience = 30_000;

const kernelList = z.object({
  kernelspecs: z.record(z.string(), z.object({ spec: z.object({ language: z.string() }) })),
});

/** What notebooks need: the tslab package, Jupyter, and tslab known to it as a kernel. */
export async function checkNotebooks(): Promise<readonly Check[]> {
  return [checkKernelPackage(), await checkJupyter()];
}

function checkKernelPackage(): Check {
  const name = 'notebook kernel (tslab)';
  try {
    return { name, state: 'ok', detail: require.resolve('tslab/package.json') };
  } catch {
    return { name, state: 'warning', detail: 'not installed', mend: 'npm ci' };
  }
}

async function checkJupyter(): Promise<Check> {
  const name = 'Jupyter';
  const { status, stdout, stderr } = await runProgram('jupyter', ['kernelspec', 'list', '--json'], {
    timeout: patience,
    env: { ...process.env, JUPYTER_PATH: kernelPath() },
  });
  if (status === null) {
    const mend = `${installJupyter} && ${installKernel}`;
    return { name, state: 'warning', detail: 'not found; notebooks need it', mend };
  }
  const kernels = status === 0 ? typeScriptKernels(stdout) : undefined;
  if (kernels === undefined) {
    const detail = `jupyter kernelspec list fails: ${lastLines(stderr, 1) || 'no message'}`;
    return { name, state: 'warning', detail, mend: installJupyter };
  }
  return kernels.length > 0
    ? { name, state: 'ok', detail: `knows the kernel ${kernels.join(', ')}` }
    : { name, state: 'warning', detail: 'does not know tslab', mend: installKernel };
}

/** Names of the kernels for TypeScript in Jupyter's own list; undefined when it is not one. */
export function typeScriptKernels(json: string): readonly string[] | undefined {
  try {
    const list: unknown = JSON.parse(json);
    const kernels = Object.entries(kernelList.parse(list).kernelspecs);
    return kernels
      .filter(([, { spec }]) => spec.language.toLowerCase() === 'typescript')
      .map(([name]) => name);
  } catch {
    return undefined;
  }
}

/** A kernel that this package carries counts as installed. */
function kernelPath(): string {
  const own = join(process.cwd(), 'jupyter');
  const others = process.env['JUPYTER_PATH'] ?? '';
  return [existsSync(own) ? own : '', others].filter((part) => part !== '').join(delimiter);
}
