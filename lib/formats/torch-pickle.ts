import { fileError, type LabError, shown } from '../errors';
import { limitOf, requireWithin } from '../limits';
import { type NumberType, numberTypes, sizeOf } from './numbers';
import { numpyGlobals } from './numpy-pickle';
import { type PickleGlobal, type PickleStateful, setPickleState } from './pickle';
import { NamedGlobal } from './pickle-machine';
import { type StateEntry, storedEntry } from './state-dict';

/** The error for a checkpoint that cannot be read. */
export function broken(where: string, found: string): LabError {
  return fileError`not a whole checkpoint of PyTorch (${where}): found ${found}. Get the file again, or name another one`;
}

/** The numbers of one or more tensors, which lie outside the pickle that names them. */
export class Storage {
  constructor(
    readonly key: string,
    /** Undefined for complex and quantised numbers, which no weights here are. */
    readonly type: NumberType | undefined,
    readonly count: number,
    readonly bytesEach: number,
  ) {}
}

/** A part of a storage that tensors of PyTorch's first versions took for one of its own. */
class StoragePart {
  constructor(
    readonly whole: Storage,
    /** Of the part's first number in the whole. */
    readonly first: number,
  ) {}
}

/** A tensor as a pickle describes it: a view of a storage. */
export class TensorView {
  constructor(
    readonly storage: Storage,
    readonly type: NumberType,
    /** Of the first number, in numbers of its type. */
    readonly offset: number,
    readonly shape: readonly number[],
    readonly strides: readonly number[],
  ) {}
}

/** Named dictionaries, with a state that says nothing of the weights (`_metadata`). */
class Dictionary extends Map<unknown, unknown> implements PickleStateful {
  [setPickleState](): void {
    return undefined;
  }
}

/** What is in a checkpoint and is no tensor of weights: passed over. */
class PassedOver implements PickleStateful {
  [setPickleState](): void {
    return undefined;
  }
}

const {
  F64,
  F32,
  F16,
  BF16,
  I64,
  U64,
  I32,
  U32,
  I16,
  U16,
  I8,
  U8,
  BOOL,
  F8_E4M3,
  F8_E5M2,
  F8_E4M3FNUZ,
  F8_E5M2FNUZ,
  F8_E8M0,
} = numberTypes;

/** By the names of PyTorch's storages; those without a type are passed over. */
const storageTypes: ReadonlyMap<
  string,
  { readonly type?: NumberType; readonly bytesEach: number }
> = new Map(
  Object.entries({
    'torch.DoubleStorage': F64,
    'torch.FloatStorage': F32,
    'torch.HalfStorage': F16,
    'torch.BFloat16Storage': BF16,
    'torch.LongStorage': I64,
    'torch.IntStorage': I32,
    'torch.ShortStorage': I16,
    'torch.CharStorage': I8,
    'torch.ByteStorage': U8,
    'torch.BoolStorage': BOOL,
    'torch.storage.UntypedStorage': U8,
    'torch.ComplexFloatStorage': 8,
    'torch.ComplexDoubleStorage': 16,
    'torch.QInt8Storage': 1,
    'torch.QUInt8Storage': 1,
    'torch.QInt32Storage': 4,
    'torch.QUInt4x2Storage': 1,
    'torch.QUInt2x4Storage': 1,
  }).map(([name, type]) => [
    name,
    typeof type === 'number' ? { bytesEach: type } : { type, bytesEach: type.size },
  ]),
);

/** By the names of PyTorch's kinds of numbers; those without a type are passed over. */
const elementTypes: ReadonlyMap<string, NumberType | undefined> = new Map(
  Object.entries({
    float64: F64,
    float32: F32,
    float16: F16,
    bfloat16: BF16,
    int64: I64,
    uint64: U64,
    int32: I32,
    uint32: U32,
    int16: I16,
    uint16: U16,
    int8: I8,
    uint8: U8,
    bool: BOOL,
    float8_e4m3fn: F8_E4M3,
    float8_e5m2: F8_E5M2,
    float8_e4m3fnuz: F8_E4M3FNUZ,
    float8_e5m2fnuz: F8_E5M2FNUZ,
    float8_e8m0fnu: F8_E8M0,
    float4_e2m1fn_x2: undefined,
    complex32: undefined,
    complex64: undefined,
    complex128: undefined,
    qint8: undefined,
    quint8: undefined,
    qint32: undefined,
    quint4x2: undefined,
    quint2x4: undefined,
    ...Object.fromEntries(
      [1, 2, 3, 4, 5, 6, 7].flatMap((bits) => [
        [`int${bits}`, undefined],
        [`uint${bits}`, undefined],
      ]),
    ),
  }).map(([name, type]) => [`torch.${name}`, type]),
);

/** Names that may stand in a checkpoint and say nothing of the weights: nothing of them is ever called. */
const namedOnly = [
  'torch.Tensor',
  'torch._tensor.Tensor',
  ...['affine', 'symmetric'].flatMap((kind) => [
    `torch.per_tensor_${kind}`,
    `torch.per_channel_${kind}`,
  ]),
  'torch.per_channel_affine_float_qparams',
];

/** Calls whose value is passed over. */
const passedOver = [
  'torch.Size',
  'torch.device',
  'torch.serialization._get_layout',
  'torch._utils._rebuild_qtensor',
  'torch._utils._rebuild_sparse_tensor',
  'torch._utils._rebuild_meta_tensor_no_storage',
  'torch._utils._rebuild_wrapper_subclass',
  'torch._utils._rebuild_device_tensor_from_numpy',
  // Programs note an accuracy as a numpy number beside the weights.
  'numpy.core.multiarray.scalar',
  'numpy._core.multiarray.scalar',
  // The options of the program that saved the file.
  'argparse.Namespace',
];

/** Python's own, under the names of Python 2 and 3: `defaultdict` names one of them. */
const builtIns = [
  ...['set', 'frozenset', 'complex', 'bytearray', 'bytes', 'list', 'tuple', 'dict', 'int'],
  ...['float', 'bool', 'str', 'long', 'unicode', 'slice', 'range', 'xrange', 'object'],
];

/** What a checkpoint's pickle may name: containers and tensors, nothing that could do anything. */
export function torchGlobals(where: string, size: number): ReadonlyMap<string, PickleGlobal> {
  const nothing: PickleGlobal = { call: () => new PassedOver() };
  const dictionary: PickleGlobal = { call: ([items], spend) => dictionaryOf(items, spend) };
  const rebuild: PickleGlobal = { call: (args) => tensorView(where, args) };
  const same: PickleGlobal = { call: ([tensor]) => tensor };
  return new Map<string, PickleGlobal>([
    ...numpyGlobals(where, size),
    ...[...storageTypes.keys(), ...elementTypes.keys(), ...namedOnly, ...passedOver].map(
      (name) => [name, nothing] as const,
    ),
    ...builtIns.flatMap((name) =>
      ['__builtin__', 'builtins'].map((module) => [`${module}.${name}`, nothing] as const),
    ),
    ['collections.OrderedDict', dictionary],
    ['collections.Counter', { call: () => new Dictionary() }],
    ['collections.defaultdict', { call: () => new Dictionary() }],
    ['torch._utils._rebuild_tensor', rebuild],
    ['torch._utils._rebuild_tensor_v2', rebuild],
    ['torch._utils._rebuild_tensor_v3', rebuild],
    ['torch._utils._rebuild_parameter', same],
    ['torch._utils._rebuild_parameter_with_state', same],
    ['torch._utils._rebuild_device_tensor_from_cpu_tensor', same],
    ['torch.nn.parameter.Parameter', same],
    // A tensor with attributes of its own: a function of the above, a class, its arguments, the attributes.
    ['torch._tensor._rebuild_from_type_v2', { call: (args, spend) => rebuilt(where, args, spend) }],
  ]);
}

/** Python 2 gives a dictionary its items as a list of pairs. */
function dictionaryOf(items: unknown, spend: (values: number) => void): Dictionary {
  const found = new Dictionary();
  if (!Array.isArray(items)) return found;
  spend(items.length);
  for (const pair of items as readonly unknown[]) {
    if (Array.isArray(pair) && pair.length === 2) found.set(pair[0], pair[1]);
  }
  return found;
}

function rebuilt(
  where: string,
  [make, , args]: readonly unknown[],
  spend: (values: number) => void,
): unknown {
  if (!(make instanceof NamedGlobal) || !make.name.startsWith('torch.') || !Array.isArray(args)) {
    throw broken(where, 'a tensor with a form that is not known');
  }
  return make.call(args, spend);
}

function tensorView(where: string, args: readonly unknown[]): TensorView | PassedOver {
  // The seventh of `_rebuild_tensor_v3` is the kind of numbers in a storage of bytes.
  const [place, start, shape, strides, , , kind] = args;
  const storage = place instanceof StoragePart ? place.whole : place;
  const first = place instanceof StoragePart ? place.first : 0;
  if (
    !(storage instanceof Storage) ||
    !isCount(start) ||
    !isCounts(shape) ||
    !isCounts(strides) ||
    shape.length !== strides.length
  ) {
    throw broken(where, 'a tensor with a form that is not known');
  }
  const type = kind instanceof NamedGlobal ? elementTypes.get(kind.name) : storage.type;
  return type ? new TensorView(storage, type, first + start, shape, strides) : new PassedOver();
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

/** More axes than PyTorch computes with. */
const mostAxes = 64;

function isCounts(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length <= mostAxes && value.every(isCount);
}

/** Collects the storages that a pickle refers to by `('storage', type, key, place, count, part)`. */
export function storageCollector(where: string): {
  readonly storages: ReadonlyMap<string, Storage>;
  readonly load: (id: unknown) => Storage | StoragePart;
} {
  const storages = new Map<string, Storage>();
  return {
    storages,
    load(id) {
      const [tag, kind, key, , count, part] = Array.isArray(id) ? (id as readonly unknown[]) : [];
      const known = kind instanceof NamedGlobal ? storageTypes.get(kind.name) : undefined;
      if (tag !== 'storage' || !known || typeof key !== 'string' || !isCount(count)) {
        throw broken(where, 'a storage of a kind that is not known');
      }
      const { type, bytesEach } = known;
      const storage = storages.get(key) ?? new Storage(key, type, count, bytesEach);
      if (storage.type !== type || storage.count !== count) {
        throw broken(where, `data '${shown(key)}' of two kinds`);
      }
      storages.set(key, storage);
      // Of a part: its own key, its first number and how many it has.
      const first: unknown = Array.isArray(part) ? part[1] : 0;
      if (!isCount(first)) throw broken(where, 'a storage of a kind that is not known');
      return first === 0 ? storage : new StoragePart(storage, first);
    },
  };
}

/**
 * Tensors' numbers, which become float32 when they are asked for.
 *
 * @param bytesOf the numbers of a storage
 * @throws LabError of kind `file` for one that reaches beyond its data, or too many views of the same.
 */
export function readTensors(
  views: ReadonlyMap<string, TensorView>,
  bytesOf: (storage: Storage) => Uint8Array,
  where: string,
): Map<string, StateEntry> {
  const told = new Set<Storage>();
  let stored = 0;
  let viewed = 0;
  for (const { storage, type, shape } of views.values()) {
    if (!told.has(storage)) stored += (storage.count * storage.bytesEach) / type.size;
    told.add(storage);
    viewed += sizeOf(shape);
  }
  // Expanded tensors of a few numbers are no harm.
  const allowed = limitOf('sharedViews');
  const least = 1_000_000;
  requireWithin('sharedViews', viewed / Math.max(stored, least), where, allowed);
  const loaded = new Map<Storage, Uint8Array>();
  return new Map(
    [...views].map(([name, { storage, type, offset, shape, strides }]) => {
      const bytes = loaded.get(storage) ?? bytesOf(storage);
      loaded.set(storage, bytes);
      const size = sizeOf(shape);
      const last = shape.reduce((at, side, axis) => at + (side - 1) * (strides[axis] ?? 0), offset);
      if (size > 0 && (last + 1) * type.size > bytes.byteLength) {
        throw broken(where, `a tensor '${shown(name)}' that reaches beyond its data`);
      }
      return [name, storedEntry(shape, { bytes, type, offset, strides })];
    }),
  );
}
