import { z } from 'zod';

/** One number of a row: what was measured, beside what, in each round. */
export const lineSchema = z.object({
  label: z.string(),
  /** What it is divided by: `PyTorch`, `the same step without`. */
  beside: z.string().nullable(),
  /** Milliseconds, ours and the other's, a round each; the other's are none without `beside`. */
  ms: z.array(z.number()),
  besideMs: z.array(z.number()),
  /** The ratio is to be at most this. */
  aim: z.number().nullable(),
  /** Lines of one name are to reach the aim in their geometric mean. */
  together: z.string().optional(),
  /** Whether the ratio is a part of something, not a speed beside another. */
  share: z.boolean().optional(),
});
export type RowLine = z.infer<typeof lineSchema>;

export const growthSchema = z.array(
  z.object({
    what: z.string(),
    over: z.string(),
    allowed: z.number(),
    points: z.array(z.object({ size: z.number(), ms: z.number(), mebibytes: z.number() })),
    power: z.object({ time: z.number().nullable(), memory: z.number().nullable() }),
  }),
);
export type GrowthLines = z.infer<typeof growthSchema>;

/** What a row found. */
export interface RowFindings {
  readonly lines: readonly RowLine[];
  readonly growth?: GrowthLines;
  /** Of PyTorch. */
  readonly version?: string;
}

/** A row, or several that one process measures. */
export interface BenchRow {
  readonly name: string;
  readonly section: string;
  /** Options of `npm run bench`, but for PyTorch, rounds and `--json`. */
  readonly args: readonly string[];
  /** Whether PyTorch can do the same. */
  readonly torch: boolean;
  /** About how many it takes on two cores with PyTorch and five rounds; without PyTorch half. */
  readonly minutes: number;
  readonly read: (found: unknown) => RowFindings;
}

const timed = z.object({ ms: z.number(), minMs: z.number(), maxMs: z.number() });
const torchSchema = z.object({
  version: z.string(),
  rounds: z.array(z.object({ ms: z.number(), torchMs: z.number() })),
});

/** Reads a training step, of `npm run bench -- --pair` or `--detector`. */
function stepReader(label: string, aim: number): BenchRow['read'] {
  const schema = timed.extend({ torch: torchSchema.optional() });
  return (found) => {
    const { torch, ...own } = schema.parse(found);
    const line = torch
      ? {
          ...{ label, beside: 'PyTorch', aim },
          ms: torch.rounds.map(({ ms }) => ms),
          besideMs: torch.rounds.map(({ torchMs }) => torchMs),
        }
      : { label, beside: null, aim: null, ms: [own.minMs, own.ms, own.maxMs], besideMs: [] };
    return { lines: [line], version: torch?.version };
  };
}

const arrow = (pair: string): string => pair.replace(':', ' → ');

const cifarPairs = [
  ['resnet56:resnet20', 128],
  ['resnet32x4:resnet8x4', 64],
  ['wrn_40_2:wrn_40_1', 64],
  ['resnet20:resnet8', 128],
  ['resnet32x4:ShuffleV1', 64],
  ['resnet32x4:ShuffleV2', 64],
  ['ResNet50:MobileNetV2', 64],
] as const;
/** Those whose aim a teacher's memory has. */
const memoryPairs = cifarPairs.slice(0, 4);

const imageNetPairs = [
  ['resnet34:resnet18', 0.9, 3],
  ['resnet50:resnet18', 0.9, 3],
  ['resnet50:mobilenet_v1', 0.9, 3],
  ['vit_base_patch16_224:resnet18', 1, 6],
  ['regnety_160:deit_base_distilled_patch16_224', 1, 12],
] as const;

const detectorPairs = ['r101-fpn:r18-fpn', 'r101-fpn:r50-fpn'] as const;

const evaluated = ['wrn_40_2:wrn_40_1', 'resnet56:resnet20', 'resnet20:resnet8'] as const;

const pairRows = cifarPairs.flatMap(([pair, batch]) =>
  (['f32', 'bf16'] as const).map((precision): BenchRow => ({
    name: `${pair}/${precision}`,
    section: 'A KD++ step at 32 × 32',
    args: ['--pair', pair, '--batch', String(batch), '--precision', precision],
    torch: true,
    minutes: 3,
    read: stepReader(`${arrow(pair)}, ${batch}, ${precision}`, 0.85),
  })),
);

const imageNetRows = imageNetPairs.flatMap(([pair, aim, minutes]) =>
  (['f32', 'bf16'] as const).map((precision): BenchRow => {
    const batch = /regnet/.test(pair) ? 4 : 8;
    const step = ['--pair', pair, '--size', '224', '--batch', String(batch), '--iters', '3'];
    return {
      name: `${pair}/224/${precision}`,
      section: 'A step at 224 × 224, 1,000 classes',
      args: [...step, '--precision', precision],
      ...{ torch: true, minutes },
      read: stepReader(`${arrow(pair)}, ${batch}, ${precision}`, aim),
    };
  }),
);

const detectorRows = detectorPairs.flatMap((pair) =>
  (['f32', 'bf16'] as const).map((precision): BenchRow => ({
    name: `detector/${pair}/${precision}`,
    section: 'A detector’s KD++ step, an image of 1067 × 800',
    args: ['--detector', pair, '--method', 'kd++', '--iters', '2', '--precision', precision],
    ...{ torch: true, minutes: 8 },
    read: stepReader(`${arrow(pair)}, ${precision}`, 0.8),
  })),
);

const decodingSchema = z.object({
  torchVersion: z.string().optional(),
  rates: z.array(
    z.object({
      workers: z.number(),
      rounds: z.array(z.number()),
      torch: z.object({ rounds: z.array(z.number()) }).optional(),
    }),
  ),
});

const decodingRow: BenchRow = {
  name: 'decoding',
  section: 'Decoding JPEGs for training at 224, an image',
  args: ['--data', 'made-up', '--workers', '1,2', '--batch', '64', '--iters', '4'],
  ...{ torch: true, minutes: 2 },
  read(found) {
    const { rates, torchVersion } = decodingSchema.parse(found);
    const perImage = (rounds: readonly number[] = []): number[] =>
      rounds.map((imagesPerSecond) => 1000 / imagesPerSecond);
    const lines = rates.map(({ workers, rounds, torch }) => ({
      label: `${workers} ${workers === 1 ? 'worker' : 'workers'}`,
      beside: torch ? 'DataLoader' : null,
      ms: perImage(rounds),
      besideMs: perImage(torch?.rounds),
      aim: 1,
    }));
    return { lines, version: torchVersion };
  },
};

const evaluationSchema = z.object({
  rounds: z.array(z.object({ forwardMs: z.number(), evaluationMs: z.number() })),
});

const evaluationRows = evaluated.map((pair): BenchRow => ({
  name: `evaluation/${pair.split(':')[1] ?? ''}`,
  section: 'Evaluation, an image',
  args: ['--pair', pair, '--surroundings'],
  ...{ torch: false, minutes: 2 },
  read(found) {
    const { rounds } = evaluationSchema.parse(found);
    const line = {
      label: pair.split(':')[1] ?? '',
      beside: 'its forward pass',
      ms: rounds.map(({ evaluationMs }) => evaluationMs),
      besideMs: rounds.map(({ forwardMs }) => forwardMs),
      aim: 1.1,
    };
    return { lines: [line] };
  },
}));

const memorySchema = z.object({
  memory: z.object({
    version: z.string().optional(),
    rounds: z.array(
      z.object({
        ...{ withoutMs: z.number(), filledMs: z.number(), fillingMs: z.number() },
        ...{ recallMs: z.number(), torchMs: z.number().optional() },
      }),
    ),
  }),
});

const memoryRows = memoryPairs.map(([pair, batch]): BenchRow => ({
  name: `memory/${pair}`,
  section: 'A KD++ step with a teacher’s memory, f32',
  args: ['--pair', pair, '--batch', String(batch), '--teacher-memory', 'step'],
  ...{ torch: true, minutes: 4 },
  read(found) {
    const { rounds, version } = memorySchema.parse(found).memory;
    const label = `${arrow(pair)}, ${batch}`;
    const all = (of: 'withoutMs' | 'filledMs' | 'fillingMs' | 'recallMs'): number[] =>
      rounds.map((round) => round[of]);
    const torch = rounds.flatMap(({ torchMs }) => torchMs ?? []);
    const line = (
      what: string,
      ms: number[],
      [beside, besideMs]: [string, number[]],
      rest: Pick<RowLine, 'aim' | 'together' | 'share'>,
    ): RowLine => ({ label: `${label}, ${what}`, beside, ms, besideMs, ...rest });
    const without: [string, number[]] = ['the step without', all('withoutMs')];
    return {
      version,
      lines: [
        ...(version === undefined
          ? []
          : [
              line('filled', all('filledMs'), ['PyTorch', torch], {
                ...{ aim: 0.55, together: 'all pairs, filled' },
              }),
            ]),
        line('filled', all('filledMs'), without, { aim: 0.65, together: 'all pairs, filled' }),
        line('filling', all('fillingMs'), without, { aim: 1.03 }),
        line('reading', all('recallMs'), ['the step filled', all('filledMs')], {
          ...{ aim: 0.02, share: true },
        }),
      ],
    };
  },
}));

const gridSchema = z.object({
  grid: z.object({
    ...{ runs: z.number(), remembered: z.number(), ratios: z.array(z.number()) },
    ...{ withSeconds: z.number(), withoutSeconds: z.number(), same: z.literal(true) },
  }),
});

const gridRow: BenchRow = {
  name: 'memory/grid',
  section: 'A grid from one teacher: KD, KD++, DKD, DKD++, three seeds',
  args: ['--pair', 'resnet56:resnet20', '--batch', '64', '--teacher-memory', 'grid'],
  ...{ torch: false, minutes: 20 },
  read(found) {
    const { runs, remembered, ratios, withoutSeconds } = gridSchema.parse(found).grid;
    const seed = (1000 * withoutSeconds) / ratios.length;
    const line = {
      label: `${runs} trainings of 60 epochs, ${Math.round(100 * remembered)} % of the answers remembered`,
      beside: 'the grid without',
      ms: ratios.map((ratio) => ratio * seed),
      besideMs: ratios.map(() => seed),
      aim: null,
    };
    return { lines: [line] };
  },
};

const growthRow: BenchRow = {
  name: 'growth',
  section: 'How cost grows',
  args: ['--pair', 'resnet20:resnet8', '--batch', '128', '--growth'],
  ...{ torch: false, minutes: 8 },
  read: (found) => ({ lines: [], growth: z.object({ growth: growthSchema }).parse(found).growth }),
};

/** What is timed, as git takes paths: a commit that changes nothing else makes no row due again. */
export const timedCode: readonly string[] = [
  'lib',
  ...['report', 'notebook', 'statistics', 'bench/rows*'].map((part) => `:!lib/${part}`),
];

/** Every row of the table, in its order. */
export const benchRows: readonly BenchRow[] = [
  ...pairRows,
  ...memoryRows,
  gridRow,
  ...imageNetRows,
  ...detectorRows,
  decodingRow,
  ...evaluationRows,
  growthRow,
];
