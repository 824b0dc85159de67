import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import { sha256 } from '../../lib/files';
import { decodePth } from '../../lib/formats/pth';
import { encodePth } from '../../lib/formats/pth-writer';
import { decodeSafetensors, encodeSafetensors } from '../../lib/formats/safetensors';
import { writeDigest } from '../../lib/formats/sha256sum';
import { readWeights } from '../../lib/formats/weights';
import type { StateDict } from '../../lib/nn/state';
import { damagedCopies, riddledCopy } from '../support/damage';
import { faultOf } from '../support/faults';
import { withFolder } from '../support/folder';

const rounds = 500;
const checkpoints = join(__dirname, '..', 'fixtures', 'reference', 'checkpoints');
const original = decodeSafetensors(
  readFileSync(join(checkpoints, 'resnet8.safetensors')),
  'resnet8',
).tensors;

/** Enough for what this package writes itself. */
const few: StateDict = new Map([...original].slice(0, 18));

type Decode = (bytes: Buffer) => StateDict | Promise<StateDict>;
const pth: Decode = (bytes) => decodePth(bytes, 'here');
const safetensors: Decode = (bytes) => decodeSafetensors(bytes, 'here').tensors;

/** A fingerprint of names, shapes and every bit. */
function fingerprint(tensors: StateDict): string {
  return [...tensors]
    .map(([name, { shape, data }]) => {
      const bits = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      return `${name} ${shape.join()} ${sha256(bits)}`;
    })
    .join('\n');
}

/** The fingerprint of what was decoded, or undefined where the file was refused. */
async function attempt(decode: Decode, bytes: Buffer, where: string): Promise<string | undefined> {
  try {
    return fingerprint(await decode(bytes));
  } catch (error) {
    expect(error, `${where}: ${String(error)}`).to.be.instanceOf(LabError);
    return undefined;
  }
}

/** Every damaged copy is refused or gives the right weights. @returns how many were refused */
async function expectNoWrongWeights(name: string, whole: Buffer, decode: Decode): Promise<number> {
  const right = fingerprint(await decode(whole));
  const copies = [...damagedCopies(name, whole, rounds), riddledCopy(name, whole, rounds)];
  let refused = 0;
  for (const { bytes, where } of copies) {
    const found = await attempt(decode, bytes, where);
    if (found === undefined) refused++;
    else expect(found === right, `${where} gives wrong weights`).to.equal(true);
  }
  return refused;
}

describe('files of weights with 500 random bytes changed, one at a time and all at once', function () {
  this.timeout(300_000);
  const folder = withFolder();

  it('.pth of PyTorch: an error or the right weights, by its checksums', async () => {
    const whole = readFileSync(join(checkpoints, 'resnet8-zip.pth'));
    expect(await expectNoWrongWeights('zip', whole, pth)).to.be.above(400);
  });

  it('.pth of this package: the same', async () => {
    const whole = Buffer.from(encodePth(few));
    expect(await expectNoWrongWeights('written', whole, pth)).to.be.above(400);
  });

  it('.safetensors of this package: always an error, by the hash in its header', async () => {
    const whole = Buffer.from(encodeSafetensors(few, { model: 'resnet8' }));
    expect(await expectNoWrongWeights('hashed', whole, safetensors)).to.equal(rounds + 1);
  });

  it('old .pth with its checksum noted beside it: always an error', async () => {
    const file = join(folder(), 'weights.pth');
    const whole = readFileSync(join(checkpoints, 'resnet8-dataparallel-legacy.pth'));
    writeDigest(file, sha256(whole));
    const read: Decode = (bytes) => {
      writeFileSync(file, bytes);
      return readWeights(file);
    };
    expect(await expectNoWrongWeights('noted', whole, read)).to.equal(rounds + 1);
  });

  it('old .pth and .safetensors of others, which have no checksum: an error or weights, no crash', async () => {
    const legacy = readFileSync(join(checkpoints, 'resnet8-dataparallel-legacy.pth'));
    const foreign = readFileSync(join(checkpoints, 'resnet8.safetensors'));
    // What says how the numbers are to be read is at the beginning of both: half of the bytes are there.
    const beginning = 4000;
    for (const [decode, whole] of [[pth, legacy] as const, [safetensors, foreign] as const]) {
      for (const { bytes, where } of damagedCopies('anywhere', whole, rounds / 2)) {
        await attempt(decode, bytes, where);
      }
      const rest = whole.subarray(beginning);
      const first = whole.subarray(0, beginning);
      for (const { bytes, where } of damagedCopies('beginning', first, rounds / 2)) {
        await attempt(decode, Buffer.concat([bytes, rest]), where);
      }
    }
  });

  it('a noted checksum that is none is an error, and without a note nothing is asked', async () => {
    const file = join(folder(), 'weights.pth');
    writeFileSync(file, encodePth(original));
    expect(fingerprint(await readWeights(file))).to.equal(fingerprint(original));
    writeFileSync(`${file}.sha256`, 'not a checksum');
    expect(await attempt(() => readWeights(file), Buffer.alloc(0), 'note')).to.equal(undefined);
    rmSync(`${file}.sha256`);
    mkdirSync(`${file}.sha256`);
    const fault = await faultOf(() => readWeights(file));
    expect(fault).to.include({ where: `${file}.sha256`, found: 'no regular file' });
  });
});
