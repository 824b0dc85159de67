import { createRequire } from 'node:module';
import { join } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs';
import { NodeJSKernelBackend } from '@tensorflow/tfjs-node-gpu/dist/nodejs_kernel_backend';
import '@tensorflow/tfjs-node-gpu/dist/register_all_kernels';
import type { TFJSBinding } from '@tensorflow/tfjs-node-gpu/dist/tfjs_binding';
import { LabError } from '../errors';
import type { BuiltEngine } from './build';
import { canRunTensorflow, engineThreads, processorBFloat16 } from './describe';
import type { EngineDescription } from './describe';
import { graphicsBFloat16 } from './describe-gpu';
import { type OperationsAddOn, useOperations } from './functions/native-functions';

import { registerBFloat16Kernels, takingBFloat16 } from './load-bfloat16';
import { quietly } from './load-quiet';
import { nativeOperation } from './native';

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
export async function loadBinding(engine: BuiltEngine): Promise<EngineDescription> {
  restoreUtilities();
  setTensorflowVariables(engine);
  if (!canRunTensorflow()) throw processorTooOld();
  const binding = requireBinding(engine);
  if (engine.device === 'gpu' && !binding.isUsingGpuDevice()) throw unusedGpu();
  tf.registerBackend(
    backendName,
    () => takingBFloat16(new NodeJSKernelBackend(binding, '@tensorflow/tfjs-node-gpu')),
    backendPriority,
  );
  registerBFloat16Kernels();
  if (!(await tf.setBackend(backendName))) {
    throw new LabError({
      kind: 'engine',
      what: 'TensorFlow.js does not accept the TensorFlow backend',
      remedy: 'Build the engine again: npm run engine -- --force',
    });
  }
  const gpu = binding.isUsingGpuDevice();
  if (!gpu) shareThreads();
  return {
    engine: 'native',
    backend: tf.getBackend(),
    tensorflow: binding.TF_Version,
    device: engine.device,
    gpu,
    bfloat16: gpu ? await graphicsBFloat16() : processorBFloat16(),
    threads: engineThreads('native'),
  };
}

/** TensorFlow's operations and this package's then wake the same threads, which stay awake between them. */
function shareThreads(): void {
  nativeOperation('NormDirectionShareThreads', [], []).dispose();
}

function requireBinding(engine: BuiltEngine): TFJSBinding {
  try {
    const load = createRequire(__filename);
    return quietly(engine.quiet, () => {
      const binding = load(engine.binding) as TFJSBinding;
      useOperations(load(engine.operations) as OperationsAddOn);
      return binding;
    });
  } catch (error) {
    throw new LabError(
      {
        kind: 'engine',
        what: 'the built TensorFlow engine does not load',
        where: engine.binding,
        // Node adds the stack of requiring files on further lines.
        found: String(error).split('\n')[0] ?? '',
        remedy: 'Build it again: npm run engine -- --force',
      },
      { cause: error },
    );
  }
}

/** Node 23 dropped two functions of `util` that the package's backend calls. */
function restoreUtilities(): void {
  const module: { isNullOrUndefined?: unknown; isArray?: unknown } = util;
  module.isNullOrUndefined ??= (value: unknown) => value === null || value === undefined;
  module.isArray ??= Array.isArray;
}

/** TensorFlow reads these once, when it is loaded; what the user has set stays. */
function setTensorflowVariables({ device, libraries }: BuiltEngine): void {
  // Errors only: its notes about the processor would come before every command's own output.
  process.env['TF_CPP_MIN_LOG_LEVEL'] ??= '2';
  // TensorFlow takes oneDNN's kernels unasked only on processors with AVX512; they are faster on AVX2 too.
  process.env['TF_ENABLE_ONEDNN_OPTS'] ??= '1';
  // The calling thread takes a share of oneDNN's work, as it does of this package's operations.
  process.env['TF_ONEDNN_THREADPOOL_USE_CALLER_THREAD'] ??= '1';
  if (device === 'gpu') {
    const tools = join(libraries, 'nvidia', 'cuda_nvcc');
    process.env['XLA_FLAGS'] ??= `--xla_gpu_cuda_data_dir=${tools}`;
  }
}

function processorTooOld(): LabError {
  return new LabError({
    kind: 'engine',
    what: 'TensorFlow needs a processor with AVX',
    found: 'none in /proc/cpuinfo',
    remedy: 'In a virtual machine, let it see the processor as it is; else use another machine',
  });
}

function unusedGpu(): LabError {
  return new LabError({
    kind: 'engine',
    what: 'a GPU was asked for, but TensorFlow does not use one',
    found: `CUDA_VISIBLE_DEVICES=${process.env['CUDA_VISIBLE_DEVICES'] ?? '(not set)'}`,
    remedy:
      'Check the driver with nvidia-smi, see what TensorFlow says with TF_CPP_MIN_LOG_LEVEL=0, or compute on the CPU with NORM_DIRECTION_LAB_DEVICE=cpu',
  });
}
