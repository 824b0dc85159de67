import { checkEngine } from './doctor-engine';
import { checkNotebooks } from './doctor-notebooks';
import { checkTools } from './doctor-tools';

/** The state of one thing the laboratory uses. */
export interface Check {
  readonly name: string;
  /** A `warning` is something optional or mended by itself; a `fault` needs the reader. */
  readonly state: 'ok' | 'warning' | 'fault';
  /** What was found, in one line. */
  readonly detail: string;
  /** The command or choice that mends it. */
  readonly mend?: string;
}

/** Looks at Node, the tools of the build, the engine and the notebooks' kernel; never throws. */
export async function diagnose(): Promise<readonly Check[]> {
  const engine = await checkEngine();
  const [tools, notebooks] = await Promise.all([checkTools(engine.built), checkNotebooks()]);
  return [...tools, ...engine.checks, ...notebooks];
}
