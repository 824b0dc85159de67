import { type ProgramResult, runProgram } from '../../lib/engine/program';

/** The arguments with which Node runs a TypeScript file as the commands do. */
export function typeScriptArguments(file: string, ...args: string[]): string[] {
  return ['--require', require.resolve('../../lib/typescript.cjs'), file, ...args];
}

/** Runs a TypeScript file in a process of its own; `env` is added to this process' own. */
export function runTypeScript(
  file: string,
  args: readonly string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<ProgramResult> {
  return runProgram(process.execPath, typeScriptArguments(file, ...args), {
    env: { ...process.env, ...env },
  });
}
