import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../package-root';

const specificationSchema = z.object({ argv: z.array(z.string()).min(1) });

/** The folder that Jupyter must search (`JUPYTER_PATH`) to find this project's kernel. */
export function jupyterFolder(): string {
  return join(packageRoot(), 'jupyter');
}

/** The command line of the committed kernel specification, with its placeholders filled in. */
export function kernelCommand(connectionFile: string): { program: string; args: string[] } {
  const folder = join(jupyterFolder(), 'kernels', 'tslab');
  const text = readFileSync(join(folder, 'kernel.json'), 'utf8');
  const { argv } = specificationSchema.parse(JSON.parse(text) as unknown);
  const filled = argv.map((part) =>
    part.replace('{resource_dir}', folder).replace('{connection_file}', connectionFile),
  );
  const [program, ...args] = filled;
  // The specification says `node`; the one that runs this program is known to be recent enough.
  return { program: program === 'node' ? process.execPath : (program ?? ''), args };
}
