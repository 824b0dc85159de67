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

/** One Python wheel on the package index, as `pip` names and checks it. */
export interface WheelPin {
  readonly distribution: string;
  readonly version: string;
  /** Tags for `pip --python-version --abi --platform`: the machine's own Python does not matter. */
  readonly pythonVersion: string;
  readonly abi: string;
  readonly platform: string;
  /** SHA-256 of the file, hexadecimal. */
  readonly sha256: string;
  /** Size of the file in bytes, for progress and for the check of free space. */
  readonly bytes: number;
  /** Bytes that stay on disk once the needed entries are unpacked. */
  readonly unpackedBytes: number;
}

/** The wheels of an engine, or undefined where TensorFlow publishes none for the machine. */
export function wheelsFor(
  device: EngineDevice,
  platform: string = process.platform,
  architecture: string = process.arch,
): readonly WheelPin[] | undefined {
  const rows = pins.filter(([machine]) => machine === `${platform}-${architecture}-${device}`);
  const found = rows.map(([, abi = '', distribution = '', version = '', ...row]): WheelPin => {
    const [platform = '', bytes, unpackedBytes, sha256 = ''] = row;
    const sizes = { bytes: Number(bytes), unpackedBytes: Number(unpackedBytes) };
    return { distribution, version, pythonVersion: '3.11', abi, platform, sha256, ...sizes };
  });
  return found.length === 0 ? undefined : found;
}

/** Bytes that fetching and unpacking the wheels takes at its peak. */
export function spaceNeeded(wheels: readonly WheelPin[]): number {
  // pip holds a second copy of the wheel that it is fetching.
  const copy = Math.max(...wheels.map((pin) => pin.bytes));
  return wheels.reduce((sum, pin) => sum + pin.bytes + pin.unpackedBytes, copy);
}

/**
 * For 64-bit Arm there is no tensorflow-cpu; there tensorflow itself is without CUDA. With a GPU come the wheels of its
 * `and-cuda` extra, each within the range that its metadata asks. Columns: machine, ABI, distribution, version, platform,
 * bytes, unpacked bytes, SHA-256.
 */
const pins = `
linux-x64-cpu    cp311  tensorflow-cpu            ${tensorflowVersion}  manylinux_2_27_x86_64   273829956   894096485  2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c
linux-arm64-cpu  cp311  tensorflow                ${tensorflowVersion}  manylinux_2_27_aarch64  281828020   923849757  4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c
linux-x64-gpu    cp311  tensorflow                ${tensorflowVersion}  manylinux_2_27_x86_64   572440367  1299808629  9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124
linux-x64-gpu    none   nvidia-cublas-cu12        12.9.3.13   manylinux_2_27_x86_64   581217458   855064416  d7d51055f161b317c7105ddaae90e71eda059026074ffef93cf7cde2886bfe72
linux-x64-gpu    none   nvidia-cuda-cupti-cu12    12.9.79     manylinux_2_25_x86_64    10814997    43365768  096bcf334f13e1984ba36685ad4c1d6347db214de03dbb6eebb237b41d9d934f
linux-x64-gpu    none   nvidia-cuda-nvcc-cu12     12.9.86     manylinux_2_12_x86_64    40546229    98010465  5d6a0d32fdc7ea39917c20065614ae93add6f577d840233237ff08e9a38f58f0
linux-x64-gpu    none   nvidia-cuda-nvrtc-cu12    12.9.86     manylinux_2_12_x86_64    89568129   227340992  210cf05005a447e29214e9ce50851e83fc5f4358df8b453155d5e1918094dcb4
linux-x64-gpu    none   nvidia-cuda-runtime-cu12  12.9.79     manylinux_2_17_x86_64     3493179      741088  25bba2dfb01d48a9b59ca474a1ac43c6ebf7011f1b0b8cc44f54eb6ac48a96c3
linux-x64-gpu    none   nvidia-cudnn-cu12         9.28.0.42   manylinux_2_27_x86_64   716538495  1162393472  9ff58b7f36dacd0a93e89f8f2957b52466889217963701daa15e577317cfa375
linux-x64-gpu    none   nvidia-cufft-cu12         11.4.1.4    manylinux_2_17_x86_64   200877592   293609416  c67884f2a7d276b4b80eb56a79322a95df592ae5e765cf1243693365ccab4e28
linux-x64-gpu    none   nvidia-curand-cu12        10.3.10.19  manylinux_2_27_x86_64    68295626   166965432  49b274db4780d421bd2ccd362e1415c13887c53c214f0d4b761752b8f9f6aa1e
linux-x64-gpu    none   nvidia-cusolver-cu12      11.7.5.82   manylinux_2_27_x86_64   338117415   494975064  15da72d1340d29b5b3cf3fd100e3cd53421dde36002eda6ed93811af63c40d88
linux-x64-gpu    none   nvidia-cusparse-cu12      12.5.10.65  manylinux_2_17_x86_64   366465088   486556368  73060ce019ac064a057267c585bf1fd5a353734151f87472ff02b2c5c9984e78
linux-x64-gpu    none   nvidia-nccl-cu12          2.32.3      manylinux_2_27_x86_64   351526311   473614536  bb94b2348e4861d5e8aa00b36c3d12d9bdf9c6369b82cbb723de0b582280a21c
linux-x64-gpu    none   nvidia-nvjitlink-cu12     12.9.86     manylinux_2_12_x86_64    39748338    95935344  e3f1171dbdc83c5932a45f0f4c99180a70de9bd2718c1ab77d14104f6d7147f9
`
  .trim()
  .split('\n')
  .map((line) => line.split(/ +/));
