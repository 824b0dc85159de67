import { expect } from 'chai';
import { LabError } from '../../lib/errors';
import { setPickleState, unpickle, type PickleGlobal } from '../../lib/formats/pickle';
import { faultOf } from '../support/faults';
import { python2Pickle } from '../support/python2-pickle';

/** A pickle written by hand, one character a byte. */
function bytes(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function valueOf(text: string): unknown {
  return unpickle(bytes(text)).value;
}

describe('unpickle', () => {
  it('reads numbers of every protocol', () => {
    expect(valueOf('I-12\n.')).to.equal(-12);
    expect(valueOf('I01\n.')).to.equal(true);
    expect(valueOf('L-5L\n.')).to.equal(-5);
    expect(valueOf('F-2.5\n.')).to.equal(-2.5);
    expect(valueOf('K\xff.')).to.equal(255);
    expect(valueOf('M\x01\x02.')).to.equal(1 + 2 * 256);
    expect(valueOf('J\xfe\xff\xff\xff.')).to.equal(-2);
    // LONG1 is little-endian two's complement: 0xff7f = −129, 0x00ff = 255.
    expect(valueOf('\x8a\x02\x7f\xff.')).to.equal(-129);
    expect(valueOf('\x8a\x02\xff\x00.')).to.equal(255);
    expect(valueOf('\x8a\x00.')).to.equal(0);
    expect(valueOf('\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x40.')).to.equal(2n ** 62n);
    expect(valueOf('G\x3f\xf8\x00\x00\x00\x00\x00\x00.')).to.equal(1.5);
    expect(valueOf('N.')).to.equal(null);
    expect(valueOf('\x88.')).to.equal(true);
    expect(valueOf('\x89.')).to.equal(false);
  });

  it('reads text and bytes', () => {
    expect(valueOf("S'a\\'\\x41\\n\\\\'\n.")).to.equal("a'A\n\\");
    expect(valueOf('Vgr\\u00fc\n.')).to.equal('grü');
    expect(valueOf('U\x02\xfc\x80.')).to.equal('\xfc\x80');
    expect(valueOf('X\x02\x00\x00\x00\xc3\xbc.')).to.equal('ü');
    expect(valueOf('\x8c\x02\xc3\xbc.')).to.equal('ü');
    expect(valueOf('C\x02\x00\xff.')).to.deep.equal(bytes('\x00\xff'));
    expect(valueOf('\x96\x01\x00\x00\x00\x00\x00\x00\x00\x07.')).to.deep.equal(Uint8Array.of(7));
  });

  it('reads containers, marks and the memo', () => {
    expect(valueOf('](K\x01K\x02eK\x03a.')).to.deep.equal([1, 2, 3]);
    expect(valueOf('(K\x01K\x02t.')).to.deep.equal([1, 2]);
    expect(valueOf('K\x01K\x02K\x03\x87.')).to.deep.equal([1, 2, 3]);
    expect(valueOf('}(U\x01aK\x01U\x01bK\x02u.')).to.deep.equal(
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
    );
    expect(valueOf('\x8f(K\x01K\x01K\x02\x90.')).to.deep.equal(new Set([1, 2]));
    // A list put into the memo, then taken out twice: the same list.
    const pair = valueOf(']q\x05h\x05\x86.');
    expect(pair).to.deep.equal([[], []]);
    expect(Array.isArray(pair) && pair[0] === pair[1]).to.equal(true);
    expect(valueOf('K\x01(K\x02K\x031.')).to.equal(1);
    expect(valueOf('K\x01K\x020.')).to.equal(1);
  });

  it('keeps a key called __proto__ a key', () => {
    const value = valueOf('}U\x09__proto__}s.');
    expect(value).to.deep.equal(new Map([['__proto__', new Map()]]));
    expect(Object.getPrototypeOf({})).to.equal(Object.prototype);
  });

  it('tells where one pickle ends and the next begins', () => {
    const two = bytes('\x80\x02K\x01.\x80\x02K\x02.');
    const first = unpickle(two);
    expect(first).to.deep.equal({ value: 1, end: 5 });
    expect(unpickle(two, { start: first.end })).to.deep.equal({ value: 2, end: 10 });
  });

  it('calls only what it was given, and only with what the pickle holds', async () => {
    const calls: unknown[] = [];
    const double: PickleGlobal = {
      call: (args) => {
        calls.push(args);
        return Number(args[0]) * 2;
      },
    };
    const globals = new Map([['math.double', double]]);
    expect(unpickle(bytes('cmath\ndouble\nK\x15\x85R.'), { globals }).value).to.equal(42);
    expect(
      unpickle(bytes('\x8c\x04math\x8c\x06double\x93K\x04\x85\x81.'), { globals }).value,
    ).to.equal(8);
    expect(unpickle(bytes('(K\x03imath\ndouble\n.'), { globals }).value).to.equal(6);
    expect(calls).to.deep.equal([[21], [4], [3]]);

    for (const attack of [
      "cos\nsystem\n(S'echo hello'\ntR.",
      '\x8c\x02os\x8c\x06system\x93\x8c\x02ls\x85R.',
      "(S'ls'\nios\nsystem\n.",
      'c__builtin__\neval\nU\x011\x85R.',
      'cconstructor\nconstructor\n.',
    ]) {
      const fault = await faultOf(() => unpickle(bytes(attack), { globals, where: 'a.pkl' }));
      expect(fault.what).to.contain('not on the list');
      expect(fault.where).to.contain('a.pkl');
    }
  });

  it('gives objects their state and refuses to give it to anything else', async () => {
    class Thing {
      state: unknown = null;
      [setPickleState](state: unknown): void {
        this.state = state;
      }
    }
    const make: PickleGlobal = { call: () => new Thing() };
    const globals = new Map([['a.Thing', make]]);
    const { value } = unpickle(bytes('ca\nThing\n)RK\x07b.'), { globals });
    expect(value).to.have.property('state', 7);
    expect((await faultOf(() => valueOf(']}b.'))).what).to.contain('takes none');
    const onGlobal = (): unknown => unpickle(bytes('ca\nThing\n}b.'), { globals });
    expect((await faultOf(onGlobal)).what).to.contain('takes none');
  });

  it('asks for data stored outside and refuses without an answer', async () => {
    const persistentLoad = (id: unknown): unknown => ['loaded', id];
    expect(unpickle(bytes('U\x01kQ.'), { persistentLoad }).value).to.deep.equal(['loaded', 'k']);
    expect(unpickle(bytes('Pk\n.'), { persistentLoad }).value).to.deep.equal(['loaded', 'k']);
    expect((await faultOf(() => valueOf('U\x01kQ.'))).what).to.contain('outside');
  });

  const damaged: readonly (readonly [string, string, string])[] = [
    ['no end', 'K\x01', 'cut off'],
    ['a string longer than the file', 'U\xffab.', 'cut off'],
    ['a negative length', 'T\xff\xff\xff\xff.', 'cut off'],
    ['a length of eight bytes beyond the file', '\x8e\xff\xff\xff\xff\xff\xff\xff\x7f.', 'cut off'],
    ['nothing on the stack', '.', 'empty stack'],
    ['a mark taken for a value', 'K\x01(\x85.', 'empty stack'],
    ['a tuple without its mark', 'K\x01t.', 'never opened'],
    ['an unknown memo', 'h\x07.', 'never stored'],
    ['an append to a tuple', ')K\x01a.', 'not a list'],
    ['an item of a list', ']K\x01K\x02s.', 'not a dict'],
    ['a key without a value', '}(K\x01u.', 'not a dict'],
    ['a call of a number', 'K\x01)R.', 'cannot be called'],
    ['a malformed integer', 'Ix\n.', 'malformed integer'],
    ['a malformed float', 'Fx\n.', 'malformed number'],
    ['an enormous integer', '\x8b\xff\xff\xff\x7f.', 'too long'],
    ['an unknown operation', '\xf0.', 'unknown operation'],
    ['an unknown protocol', '\x80\x09N.', 'unknown protocol'],
    ['an extension code', '\x82\x01.', 'unknown operation'],
  ];
  for (const [name, text, message] of damaged) {
    it(`refuses ${name}`, async () => {
      const fault = await faultOf(() => valueOf(text));
      expect(fault.what).to.contain(message);
      expect(fault.where).to.match(/byte \d+$/);
    });
  }

  it('reads the long 8-bit strings of Python 2 without changing a byte', () => {
    const all = Uint8Array.from({ length: 1024 }, (_, i) => i % 256);
    const text = Buffer.from(all).toString('latin1');
    const { value } = unpickle(python2Pickle(new Map([['data', text]])));
    const read = value instanceof Map ? Buffer.from(String(value.get('data')), 'latin1') : null;
    expect(read).to.deep.equal(Buffer.from(all));
  });

  it('gives a value or a LabError for any damaged pickle, and never hangs', () => {
    const whole = python2Pickle(
      new Map<string, never[] | string | number[]>([
        ['labels', [1, 2, 3]],
        ['names', 'cat'],
      ]),
    );
    let seed = 1;
    const next = (below: number): number => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return Math.floor((seed / 0x80000000) * below);
    };
    let refused = 0;
    for (let round = 0; round < 20_000; round++) {
      const copy = Buffer.from(whole.subarray(0, 1 + next(whole.length)));
      for (let flips = next(4); flips >= 0; flips--) copy[next(copy.length)] = next(256);
      try {
        unpickle(copy);
      } catch (error) {
        if (!(error instanceof LabError)) throw error;
        refused += 1;
      }
    }
    expect(refused).to.be.greaterThan(10_000);
  });
});
