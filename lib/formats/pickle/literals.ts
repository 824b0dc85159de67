import type { PickleMachine, PickleOperation } from './machine';

/** Opcodes that push a number, a string or bytes; keyed by the opcode's byte. */
export const literalOperations: ReadonlyMap<number, PickleOperation> = new Map([
  [0x4e, literal(() => null)], // NONE
  [0x88, literal(() => true)], // NEWTRUE
  [0x89, literal(() => false)], // NEWFALSE
  [0x49, literal(integerOrBoolean)], // INT
  [0x4c, literal(({ reader }) => reader.decimalLine())], // LONG
  [0x4a, literal(({ reader }) => reader.int32())], // BININT
  [0x4b, literal(({ reader }) => reader.uint8())], // BININT1
  [0x4d, literal(({ reader }) => reader.uint16())], // BININT2
  [0x8a, literal(({ reader }) => reader.integer(reader.uint8()))], // LONG1
  [0x8b, literal(({ reader }) => reader.integer(reader.int32()))], // LONG4
  [0x46, literal(decimalFloat)], // FLOAT
  [0x47, literal(({ reader }) => reader.float64())], // BINFLOAT
  [0x53, literal(quotedString)], // STRING
  [0x54, literal(({ reader }) => reader.latin1(reader.int32()))], // BINSTRING
  [0x55, literal(({ reader }) => reader.latin1(reader.uint8()))], // SHORT_BINSTRING
  [0x42, literal(({ reader }) => reader.take(reader.uint32()))], // BINBYTES
  [0x43, literal(({ reader }) => reader.take(reader.uint8()))], // SHORT_BINBYTES
  [0x8e, literal(({ reader }) => reader.take(reader.length64()))], // BINBYTES8
  [0x96, literal(({ reader }) => reader.take(reader.length64()).slice())], // BYTEARRAY8
  [0x56, literal(escapedUnicode)], // UNICODE
  [0x58, literal(({ reader }) => reader.utf8(reader.uint32()))], // BINUNICODE
  [0x8c, literal(({ reader }) => reader.utf8(reader.uint8()))], // SHORT_BINUNICODE
  [0x8d, literal(({ reader }) => reader.utf8(reader.length64()))], // BINUNICODE8
]);

function literal(read: (machine: PickleMachine) => unknown): PickleOperation {
  return (machine) => {
    machine.push(read(machine));
  };
}

/** Protocol 0 writes True and False as the integers `01` and `00`. */
function integerOrBoolean({ reader }: PickleMachine): unknown {
  const start = reader.position;
  const text = reader.line();
  if (text === '01') return true;
  if (text === '00') return false;
  reader.position = start;
  return reader.decimalLine();
}

function decimalFloat({ reader }: PickleMachine): number {
  const text = reader.line().trim();
  const special = { inf: Infinity, '-inf': -Infinity, nan: NaN }[text];
  const value = special ?? Number(text);
  if (text === '' || (special === undefined && Number.isNaN(value))) {
    throw reader.fault('a pickle holds a malformed number', `'${text.slice(0, 20)}'`);
  }
  return value;
}

const escapes: Readonly<Record<string, string>> = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
};

/** Protocol 0's 8-bit string: Python 2's `repr`, one character a byte. */
function quotedString({ reader }: PickleMachine): string {
  const text = reader.line();
  const quote = text[0];
  if (text.length < 2 || (quote !== "'" && quote !== '"') || text.at(-1) !== quote) {
    throw reader.fault('a pickle holds a string without quotes', `'${text.slice(0, 20)}'`);
  }
  return text
    .slice(1, -1)
    .replace(/\\(?:x([0-9a-fA-F]{2})|([0-7]{1,3})|(.))/g, (whole, hexadecimal, octal, letter) => {
      if (hexadecimal !== undefined) return String.fromCharCode(parseInt(hexadecimal, 16));
      if (octal !== undefined) return String.fromCharCode(parseInt(octal, 8) & 0xff);
      return escapes[letter] ?? whole;
    });
}

/** Protocol 0's unicode string: Python's `raw-unicode-escape`. */
function escapedUnicode({ reader }: PickleMachine): string {
  return reader.line().replace(/\\(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/g, (_, short, long) => {
    const code = parseInt(short ?? long, 16);
    if (code > 0x10ffff) throw reader.fault('a pickle holds a character that does not exist');
    return String.fromCodePoint(code);
  });
}
