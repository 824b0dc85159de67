/** Where the engine computes. */
export type EngineDevice = (typeof engineDevices)[number];
export const engineDevices = ['cpu', 'gpu'] as const;

export const tensorflowVersion = '2.21.0';

/** `@tensorflow/tfjs-node-gpu`, whose native binding is compiled against that TensorFlow. */
export const bindingVersion = '4.22.0';

/** Node-API level of the binding: the same binary serves every supported Node. */
export const napiVersion = 8;

/** CUDA's libraries as TensorFlow opens them, by their folder in the unpacked wheels. */
export const cudaLibraries: readonly { folder: string; files: readonly string[] }[] = [
  { folder: 'nvidia/cuda_runtime/lib', files: ['libcudart.so.12'] },
  { folder: 'nvidia/nvjitlink/lib', files: ['libnvJitLink.so.12'] },
  { folder: 'nvidia/cuda_nvrtc/lib', files: ['libnvrtc.so.12'] },
  { folder: 'nvidia/cublas/lib', files: ['libcublasLt.so.12', 'libcublas.so.12'] },
  { folder: 'nvidia/cufft/lib', files: ['libcufft.so.11'] },
  { folder: 'nvidia/curand/lib', files: ['libcurand.so.10'] },
  { folder: 'nvidia/cusparse/lib', files: ['libcusparse.so.12'] },
  { folder: 'nvidia/cusolver/lib', files: ['libcusolver.so.11'] },
  { folder: 'nvidia/cudnn/lib', files: ['libcudnn.so.9'] },
  { folder: 'nvidia/nccl/lib', files: ['libnccl.so.2'] },
  { folder: 'nvidia/cuda_cupti/lib', files: ['libcupti.so.12'] },
];
