import { LabError, unknownName } from '../errors';
import { engineKinds } from './describe';
import type { EngineKind } from './describe';
import { engineDevices } from './versions';
import type { EngineDevice } from './versions';

/** What was asked for; a part left open is undefined. */
export interface EngineChoice {
  readonly engine: EngineKind | undefined;
  readonly device: EngineDevice | undefined;
}

export const engineVariable = 'NORM_DIRECTION_LAB_ENGINE';
export const deviceVariable = 'NORM_DIRECTION_LAB_DEVICE';

/**
 * The engine asked for, from options or else from the environment.
 *
 * @throws LabError of kind `option` for an unknown value, or for a GPU on the plain engine.
 */
export function chooseEngine(
  options: { readonly engine?: EngineKind; readonly device?: EngineDevice },
  environment: NodeJS.ProcessEnv = process.env,
): EngineChoice {
  const engine = options.engine ?? oneOf('engine', engineKinds, engineVariable, environment);
  const device = options.device ?? oneOf('device', engineDevices, deviceVariable, environment);
  if (engine === 'plain' && device === 'gpu') {
    throw new LabError({
      kind: 'option',
      what: 'the plain engine cannot use a GPU',
      remedy: `Ask for the native engine (${engineVariable}=native) or for the CPU (${deviceVariable}=cpu)`,
    });
  }
  return { engine, device };
}

function oneOf<Value extends string>(
  what: string,
  known: readonly Value[],
  variable: string,
  environment: NodeJS.ProcessEnv,
): Value | undefined {
  const given = environment[variable];
  if (given === undefined || given === '') return undefined;
  const value = known.find((name) => name === given);
  if (value === undefined) throw unknownName(what, given, known, variable);
  return value;
}
