import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { NodeJSKernelBackend } from '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend';
import '@tensorflow/tfjs-node-gpu/dist/register_all_kernels';
import type { TFJSBinding } from '@tensorflow/tfjs-node-gpu/dist/tfjs_binding';
import { engineError, type LabError, optionError } from '../errors';
import type { BuiltEngine } from './build';
import {
  bfloat16Of,
  type ConvolutionPass,
  type EngineDescription,
  engineThreads,
  graphicsCards,
} from './describe';
import {
  type OperationsAddOn,
  type TensorHandle,
  useOperations,
} from './functions/function-definition';
import { useImagesAddOn } from './images';
import {
  dataType,
  intAttribute,
  nativeOperation,
  type OperationAttribute,
  storedFloat,
  takesGpuPath,
  typeAttribute,
} from './native';
import { castTo } from './operations/activations';
import { useWinograd, winogradPasses } from './operations/winograd';
import { askedPath } from './path';
import { canRunTensorflow, processorBFloat16 } from './processor';
import { tidied } from './tidy';
import { fasterByWinograd, keptWinogradTimes } from './winograd-choice';

/** The add-on that is loaded before TensorFlow. */
interface QuietAddOn {
  /** Leaves signals to threads that there are already and that do not compute: quiet.cc says why. */
  readonly leaveSignals: () => void;
  /** Standard error is held back. */
  readonly start: () => void;
  readonly stop: () => string;
}

/** What TensorFlow logs at the levels I and W, and the note that comes before its first line. */
const chatter = /^([IW]\d{4} |WARNING: All log messages before absl::InitializeLog)/;

/**
 * Runs `load` while standard error is held back by the add-on, then prints what was
 * written to it but for TensorFlow's information and warnings. A user who asks for those with
 * `TF_CPP_MIN_LOG_LEVEL` below 2 gets them all, at once.
 */
function quietly<Result>(standardError: QuietAddOn, load: () => Result): Result {
  if (Number(process.env['TF_CPP_MIN_LOG_LEVEL']) < 2) return load();
  standardError.start();
  try {
    return load();
  } finally {
    const rest = withoutChatter(standardError.stop());
    // An empty text is an output of its own in a notebook.
    if (rest !== '') process.stderr.write(rest);
  }
}

/** The lines of a log that are not TensorFlow's information or warnings. */
export function withoutChatter(text: string): string {
  return text
    .split('\n')
    .filter((line) => !chatter.test(line))
    .join('\n');
}

interface OutputMaker {
  createOutputTensor(metadata: TensorHandle): tf.Tensor;
  readonly tensorMap: {
    set(dataId: object, data: TensorHandle & { values: null; refCount: number }): void;
  };
}

/**
 * The backend, taking outputs in bfloat16 too: the package's own knows no such tensors. They pass for float32
 * in TensorFlow.js, whose tape takes no other gradients.
 */
function takingBFloat16(backend: NodeJSKernelBackend): NodeJSKernelBackend {
  // The method is private in the package's types.
  const maker = backend as unknown as OutputMaker;
  const ordinary = maker.createOutputTensor.bind(backend);
  maker.createOutputTensor = (metadata) => {
    if (metadata.dtype !== dataType.bfloat16) return ordinary(metadata);
    const dataId = {};
    maker.tensorMap.set(dataId, { ...metadata, values: null, refCount: 1 });
    const info: tf.TensorInfo = { dataId, shape: metadata.shape, dtype: 'float32' };
    return tf.engine().makeTensorFromTensorInfo(info);
  };
  return backend;
}

/**
 * Teaches bfloat16 to some of the package's kernels, which take it for the float32 that it passes for. The tape sums up
 * the gradients of a tensor with several uses by additions; sums are taken and given in float32.
 */
function registerBFloat16Kernels(): void {
  const isBFloat16 = (first: tf.TensorInfo): boolean => storedFloat(first) === 'bfloat16';
  const moving = ['Concat', 'Reshape', 'SplitV', 'Transpose'];
  for (const name of ['Add', 'AvgPool', 'AvgPoolGrad', 'Multiply', ...moving]) {
    replaceKernel(name, isBFloat16, (parameters, ordinary) =>
      ordinary({ ...parameters, backend: inBFloat16(parameters.backend) }),
    );
  }
  // What passes for float32 is left as it is where TensorFlow.js wants float32; `castTo` casts.
  replaceKernel('Cast', isBFloat16, (call, ordinary) =>
    call.attrs?.dtype === 'float32' ? tf.clone(call.inputs.x as tf.Tensor) : ordinary(call),
  );
  replaceKernel('Sum', isBFloat16, ({ inputs, attrs }) => {
    const { axis, keepDims } = attrs ?? {};
    return tf.tidy(() =>
      tf.sum(castTo(given(inputs.x), 'float32'), axis as number[], Boolean(keepDims)),
    );
  });
}

type Execute = (
  name: string,
  attributes: OperationAttribute[],
  inputs: tf.TensorInfo[],
  outputs: number,
) => unknown;

/** The backend for a kernel that calls its numbers float32. */
function inBFloat16(backend: object): object {
  const retyped = (method: string): PropertyDescriptor => {
    const execute = (backend as Record<string, Execute>)[method];
    return {
      value: (...[name, attributes, inputs, outputs]: Parameters<Execute>) =>
        execute?.call(
          backend,
          name,
          attributes.map((one) => (one.name === 'T' ? typeAttribute('T', 'bfloat16') : one)),
          inputs,
          outputs,
        ),
    };
  };
  return Object.create(backend, {
    executeSingleOutput: retyped('executeSingleOutput'),
    executeMultipleOutputs: retyped('executeMultipleOutputs'),
  }) as object;
}

/** The package's own kernel reads the indices first, to check them; on a GPU's path nothing is read in a step. */
function registerGather(): void {
  replaceKernel(
    'GatherV2',
    ({ dtype }) => takesGpuPath() && (dtype === 'float32' || dtype === 'int32'),
    ({ inputs: { x, indices }, attrs }) =>
      tf.tidy(() => {
        const { axis, batchDims } = attrs ?? {};
        const from = given(x);
        return nativeOperation(
          'GatherV2',
          [
            typeAttribute('Tparams', from.dtype === 'int32' ? 'int32' : storedFloat(from)),
            typeAttribute('Tindices', 'int32'),
            typeAttribute('Taxis', 'int32'),
            intAttribute('batch_dims', Number(batchDims)),
          ],
          [from, given(indices), tf.scalar(Number(axis), 'int32')],
        );
      }),
  );
}

type KernelCall = Parameters<tf.KernelFunc>[0];

/** Puts a kernel around the package's own that runs where it is wanted for the first of its inputs. */
function replaceKernel(
  name: string,
  wanted: (first: tf.TensorInfo) => boolean,
  compute: (call: KernelCall, ordinary: tf.KernelFunc) => ReturnType<tf.KernelFunc>,
): void {
  const config = tf.getKernel(name, 'tensorflow') as tf.KernelConfig | undefined;
  if (config === undefined) throw new Error(`the TensorFlow backend has no kernel ${name}`);
  const { kernelFunc } = config;
  tf.unregisterKernel(name, 'tensorflow');
  tf.registerKernel({
    ...config,
    kernelFunc(call) {
      const first = Object.values(call.inputs)[0];
      return first && wanted(first) ? compute(call, kernelFunc) : kernelFunc(call);
    },
  });
}

function given(input: tf.TensorInfo | undefined): tf.TensorInfo {
  if (input === undefined) throw new Error('a kernel lacks an input');
  return input;
}

const backendName = 'tensorflow';
/** As the package itself registers it: above TensorFlow.js' own backends. */
const backendPriority = 3;

/**
 * Loads a built engine and makes it TensorFlow.js' backend, as the package's own main file does,
 * but from the cache and not from inside of `node_modules`.
 *
 * @throws LabError of kind `engine` when the libraries do not load, or a GPU was asked for and
 *   TensorFlow does not use it.
 */
export async function loadBinding(
  engine: BuiltEngine,
  numerics: Numerics = {},
): Promise<EngineDescription> {
  restoreUtilities();
  Object.assign(process.env, tensorflowVariables(engine, numerics));
  if (!canRunTensorflow()) throw processorTooOld();
  const binding = requireBinding(engine);
  if (engine.device === 'gpu' && !binding.isUsingGpuDevice()) throw unusedGpu();
  tf.registerBackend(
    backendName,
    () => takingBFloat16(new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node-gpu')),
    backendPriority,
  );
  registerBFloat16Kernels();
  registerGather();
  if (!(await tf.setBackend(backendName))) {
    throw engineError`TensorFlow.js does not accept the TensorFlow backend. Build the engine again: npm run engine -- --force`;
  }
  const gpu = binding.isUsingGpuDevice();
  const shared = gpu ? 0 : shareThreads();
  const passes = await chosenPasses(engine);
  return {
    engine: 'native',
    backend: tf.getBackend(),
    tensorflow: binding.TF_Version,
    device: engine.device,
    gpu,
    ...(!gpu && askedPath() === 'gpu' ? { path: 'gpu' } : {}),
    ...(gpu && numerics.deterministic ? { deterministic: true } : {}),
    bfloat16: gpu ? bfloat16Of(await graphicsCards()) : processorBFloat16(),
    threads: shared || engineThreads('native'),
    ...(passes ? { winograd: passes } : {}),
  };
}

/** Which passes of convolutions Winograd's products compute from now on; undefined where they cannot. */
async function chosenPasses(engine: BuiltEngine): Promise<ConvolutionPass[] | undefined> {
  const known = winogradPasses();
  if (known.length === 0) return undefined;
  const times = await keptWinogradTimes(engine);
  const passes = times ? fasterByWinograd(times) : known;
  useWinograd(passes);
  return passes;
}

/**
 * TensorFlow's operations and this package's then wake the same threads, which stay awake between them.
 *
 * @returns how many; 0 where there is one alone. Under a limit of processor time newer versions of Node count fewer.
 */
function shareThreads(): number {
  return tidied(() => nativeOperation('NormDirectionShareThreads', [], []).dataSync()[0] ?? 0);
}

function requireBinding(engine: BuiltEngine): TFJSBinding {
  try {
    const load = createRequire(__filename);
    const quiet = load(engine.quiet) as QuietAddOn;
    quiet.leaveSignals();
    return quietly(quiet, () => {
      const binding = load(engine.binding) as TFJSBinding;
      useOperations(load(engine.operations) as OperationsAddOn);
      useImagesAddOn(engine.images);
      return binding;
    });
  } catch (error) {
    // Node adds the stack of requiring files on further lines.
    throw engineError.because(
      error,
    )`the built TensorFlow engine does not load (${engine.binding}): found ${String(error).split('\n')[0] ?? ''}. Build it again: npm run engine -- --force`;
  }
}

/** Node 23 dropped two functions of `util` that the package's backend calls. */
function restoreUtilities(): void {
  const module: { isNullOrUndefined?: unknown; isArray?: unknown } = util;
  module.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  module.isArray ??= Array.isArray;
}

/** What a GPU is told about its numbers before it is used. */
export interface Numerics {
  /** Products in TF32; in float32 proper unless set. */
  readonly tf32?: boolean;
  /** Equal bytes at every run on the same card, from slower kernels. */
  readonly deterministic?: boolean;
}

/**
 * TensorFlow and CUDA's libraries read these once, when they are loaded; what the user has set stays.
 *
 * @throws LabError of kind `option` where that contradicts what a GPU was asked for.
 */
export function tensorflowVariables(
  { device, libraries }: Pick<BuiltEngine, 'device' | 'libraries'>,
  { tf32, deterministic = false }: Numerics = {},
  set: NodeJS.ProcessEnv = process.env,
): Record<string, string> {
  if (device === 'gpu') requireNoContradiction({ tf32, deterministic }, set);
  const common = {
    // Errors only: its notes about the processor would come before every command's own output.
    TF_CPP_MIN_LOG_LEVEL: '2',
    // TensorFlow takes oneDNN's kernels unasked only on processors with AVX512; they are faster on AVX2 too.
    TF_ENABLE_ONEDNN_OPTS: '1',
    // The calling thread takes a share of oneDNN's work, as it does of this package's operations.
    TF_ONEDNN_THREADPOOL_USE_CALLER_THREAD: '1',
  };
  const graphics = {
    // In quotes, which XLA reads as JSON has them: without, it would take a path up to its first space.
    XLA_FLAGS: `--xla_gpu_cuda_data_dir=${JSON.stringify(join(libraries, 'nvidia', 'cuda_nvcc'))}`,
    // Else the first process takes all of the GPU's memory, and others on it have none.
    TF_FORCE_GPU_ALLOW_GROWTH: 'true',
    // As nvidia-smi counts them; CUDA by itself puts the fastest first.
    CUDA_DEVICE_ORDER: 'PCI_BUS_ID',
    // CUDA's libraries take TF32 for float32 unasked.
    ...(tf32 ? {} : { NVIDIA_TF32_OVERRIDE: '0' }),
    ...(deterministic ? { TF_DETERMINISTIC_OPS: '1', TF_CUDNN_DETERMINISTIC: '1' } : {}),
  };
  const wanted = Object.entries(device === 'gpu' ? { ...common, ...graphics } : common);
  return Object.fromEntries(wanted.filter(([name]) => set[name] === undefined));
}

function requireNoContradiction({ tf32, deterministic }: Numerics, set: NodeJS.ProcessEnv): void {
  const override = set['NVIDIA_TF32_OVERRIDE'];
  if (override !== undefined && tf32 === (override === '0')) {
    throw contradiction('--precision', `NVIDIA_TF32_OVERRIDE=${override}`);
  }
  for (const name of deterministic ? ['TF_DETERMINISTIC_OPS', 'TF_CUDNN_DETERMINISTIC'] : []) {
    const value = set[name] ?? '1';
    if (!/^(1|true)$/i.test(value)) throw contradiction('--deterministic', `${name}=${value}`);
  }
}

function contradiction(option: string, found: string): LabError {
  return optionError`the environment contradicts an option (${option}): found ${found}. Unset that variable, or leave the option out`;
}

function processorTooOld(): LabError {
  return engineError`TensorFlow needs a processor with AVX: found none in /proc/cpuinfo. In a virtual machine, let it see the processor as it is; else use another machine`;
}

function unusedGpu(): LabError {
  return engineError`a GPU was asked for, but TensorFlow does not use one: found CUDA_VISIBLE_DEVICES=${process.env['CUDA_VISIBLE_DEVICES'] ?? '(not set)'}. Check the driver with nvidia-smi, see what TensorFlow says with TF_CPP_MIN_LOG_LEVEL=0, or compute on the CPU with NORM_DIRECTION_LAB_DEVICE=cpu`;
}
