import { extname, join } from 'node:path';
import { z } from 'zod';
import { lastLines, runProgram } from './build-program';
import { bfloat16Supports } from './describe';
import { deviceVariable } from './load-options';
import { engineDevices } from './versions';
import type { EngineDevice } from './versions';

/** Loading 850 MB of libraries from a slow disk takes its time. */
const patience = 120_000;

const probeSchema = z.object({
  engine: z.object({
    tensorflow: z.string(),
    device: z.enum(engineDevices),
    bfloat16: z.enum(bfloat16Supports),
    threads: z.number(),
  }),
  sum: z.number(),
});

/** What the probe printed, or in words why it did not. */
export type ProbeOutcome =
  | { readonly ran: true; readonly seconds: number; readonly probe: z.infer<typeof probeSchema> }
  | { readonly ran: false; readonly reason: string };

/** Loads the built engine and computes in a process of its own, whose crash is survived. */
export async function runProbe(device: EngineDevice): Promise<ProbeOutcome> {
  const startedAt = Date.now();
  const kind = extname(__filename);
  // From sources the child needs the loader that this process got from its command line.
  const loader = kind === '.ts' ? ['--require', require.resolve('tsx/cjs')] : [];
  const { status, stdout, stderr } = await runProgram(
    process.execPath,
    [...loader, join(__dirname, `doctor-probe${kind}`)],
    { timeout: patience, env: { ...process.env, [deviceVariable]: device } },
  );
  const reason = lastLines(stderr, 2) || `ended with status ${String(status)}`;
  if (status !== 0) return { ran: false, reason };
  try {
    const printed: unknown = JSON.parse(stdout);
    const seconds = (Date.now() - startedAt) / 1000;
    return { ran: true, seconds, probe: probeSchema.parse(printed) };
  } catch {
    return { ran: false, reason: `printed ${lastLines(stdout, 1) || 'nothing'}` };
  }
}
