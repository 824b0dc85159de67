import { installedJupyterLab, ownJupyterLab } from '../notebook/lab/environment';
import type { Check } from './doctor';

/** What notebooks need: the tslab package, and JupyterLab to open them in. */
export async function checkNotebooks(): Promise<readonly Check[]> {
  return [checkKernelPackage(), await checkJupyterLab()];
}

function checkKernelPackage(): Check {
  const name = 'notebook kernel (tslab)';
  try {
    return { name, state: 'ok', detail: require.resolve('tslab/package.json') };
  } catch {
    return { name, state: 'warning', detail: 'not installed', mend: 'npm ci' };
  }
}

async function checkJupyterLab(): Promise<Check> {
  const name = 'JupyterLab';
  const installed = await installedJupyterLab();
  if (installed?.drawsPlots === true) {
    return { name, state: 'ok', detail: `${installed.version} of ${installed.python}` };
  }
  const own = await ownJupyterLab();
  if (own !== null) return { name, state: 'ok', detail: `${own.version}, set up in the cache` };
  const detail =
    installed === null
      ? 'not set up; npm run notebooks does without'
      : `${installed.version} of ${installed.python} draws no plots`;
  return { name, state: 'warning', detail, mend: 'npm run lab -- --setup-only' };
}
