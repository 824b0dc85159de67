import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { z } from 'zod';
import { LabError } from '../../lib/errors';
import { sha256 } from '../../lib/files';
import { decodePth } from '../../lib/formats/pth';
import { withFolder } from '../support/folder';

const fixtures = join(__dirname, '..', 'fixtures', 'odd-checkpoints');
/** A Python with PyTorch, for all of the odd checkpoints instead of the committed ones. */
const python = process.env['NORM_DIRECTION_LAB_TORCH'];

const weightsSchema = z.array(z.tuple([z.string(), z.array(z.int()), z.string()])).nullable();
const caseSchema = z.object({
  /** Whether `torch.load(weights_only=True)` takes the file. */
  loads: z.boolean(),
  /** Name, shape and SHA-256 as float32 of each tensor of weights; null where there is none to read. */
  weights: weightsSchema,
  /** Base64. */
  file: z.string().optional(),
});
const schema = z.object({ torch: z.string(), cases: z.record(z.string(), caseSchema) });
type Case = z.infer<typeof caseSchema>;

/** The weights in the form of the expectation, or undefined where the file is refused. */
async function readHere(bytes: Buffer, name: string): Promise<Case['weights'] | undefined> {
  try {
    const weights = await decodePth(bytes, name);
    return [...weights].map(([key, { shape, data }]) => {
      // PyTorch keeps a NaN's bits, JavaScript does not.
      const plain = Float32Array.from(data, (value) => (Number.isNaN(value) ? NaN : value));
      return [key, [...shape], sha256(new Uint8Array(plain.buffer))];
    });
  } catch (error) {
    if (error instanceof LabError) return undefined;
    throw new Error(`${name}: ${String(error)}`, { cause: error });
  }
}

/** What differs from PyTorch, a line a case. */
async function differences(
  cases: Readonly<Record<string, Case>>,
  bytesOf: (name: string) => Buffer,
): Promise<string[]> {
  const lines: string[] = [];
  for (const [name, { loads, weights }] of Object.entries(cases)) {
    const found = await readHere(bytesOf(name), name);
    if (loads && weights !== null) {
      if (found === undefined) lines.push(`${name}: refused`);
      else if (JSON.stringify(found) !== JSON.stringify(weights)) lines.push(`${name}: others`);
    } else if (loads && found !== undefined) lines.push(`${name}: read`);
  }
  return lines;
}

describe('odd checkpoints', () => {
  const folder = withFolder();

  it('that torch.load takes are read to the last bit, or refused where they hold no weights', async () => {
    const { cases } = schema.parse(JSON.parse(readFileSync(join(fixtures, 'few.json'), 'utf8')));
    expect(Object.keys(cases)).to.have.length.above(20);
    const bytesOf = (name: string): Buffer => Buffer.from(cases[name]?.file ?? '', 'base64');
    expect(await differences(cases, bytesOf)).to.deep.equal([]);
  });

  it('of PyTorch’s first versions: a tensor of a part of a storage begins where the part does', async () => {
    const text = (value: string): string => `U${String.fromCharCode(value.length)}${value}`;
    /** Two numbers of the storage '0' of four, from the first of `part` on. */
    const tensor = (name: string, part: string): string =>
      `${text(name)}ctorch._utils\n_rebuild_tensor\n((${text('storage')}ctorch\nFloatStorage\n` +
      `${text('0')}${text('cpu')}K\x04${part}tQK\x00K\x02\x85K\x01\x85tR`;
    const pickles =
      '\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.' +
      // A part: its own key, its first number, how many it has.
      `\x80\x02}(${tensor('a', 'N')}${tensor('b', `(${text('1')}K\x01K\x03t`)}u.` +
      `\x80\x02](${text('0')}e.`;
    const numbers = [BigInt64Array.of(4n), Float32Array.of(5, 6, 7, 8)];
    const weights = await decodePth(
      Buffer.concat([
        Buffer.from(pickles, 'latin1'),
        ...numbers.map(({ buffer }) => Buffer.from(buffer)),
      ]),
      'f',
    );
    expect([...(weights.get('a')?.data ?? [])]).to.deep.equal([5, 6]);
    expect([...(weights.get('b')?.data ?? [])]).to.deep.equal([6, 7]);
  });

  it('all of them, made by PyTorch where one is given', async function () {
    if (python === undefined) this.skip();
    this.timeout(120_000);
    execFileSync(python, [join(fixtures, 'make.py'), folder()], { stdio: 'ignore' });
    const { cases, torch } = schema.parse(
      JSON.parse(readFileSync(join(folder(), 'expected.json'), 'utf8')),
    );
    const all = Object.values(cases);
    const taken = all.filter(({ loads }) => loads).length;
    process.stdout.write(`${all.length} odd checkpoints, ${taken} taken by torch ${torch}\n`);
    expect(all.length).to.be.above(167);
    const bytesOf = (name: string): Buffer => readFileSync(join(folder(), `${name}.pth`));
    expect(await differences(cases, bytesOf)).to.deep.equal([]);
  });
});
