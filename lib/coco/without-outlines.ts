const key = Buffer.from('"segmentation"');
const quote = 0x22;
const backslash = 0x5c;
const openings = new Set([0x5b, 0x7b]);
const closings = new Set([0x5d, 0x7d]);
const whiteSpace = new Set([0x20, 0x09, 0x0a, 0x0d]);
const colon = 0x3a;

/**
 * A copy of an annotation file's bytes in which each outline (`"segmentation"`: a list or an object) is
 * `null`. COCO's training annotations are outlines for nine parts in ten: read with them they take
 * gigabytes, which boxes have no use for. What is not of this form stays as it is.
 */
export function withoutOutlines(json: Buffer): Buffer {
  const parts: Buffer[] = [];
  let kept = 0;
  for (let at = json.indexOf(key); at >= 0; at = json.indexOf(key, kept)) {
    const start = valueStart(json, at + key.length);
    const end = openings.has(json[start] ?? 0) ? valueEnd(json, start) : start;
    if (end > start) parts.push(json.subarray(kept, start), Buffer.from('null'));
    else parts.push(json.subarray(kept, start));
    kept = end;
  }
  parts.push(json.subarray(kept));
  return Buffer.concat(parts);
}

function valueStart(json: Buffer, from: number): number {
  let at = from;
  while (whiteSpace.has(json[at] ?? 0) || json[at] === colon) at++;
  return at;
}

/** Behind the bracket that closes the one at `start`; the file's end where none does. */
function valueEnd(json: Buffer, start: number): number {
  let depth = 0;
  for (let at = start; at < json.length; at++) {
    const byte = json[at] ?? 0;
    if (byte === quote) at = stringEnd(json, at);
    else if (openings.has(byte)) depth++;
    else if (closings.has(byte) && --depth === 0) return at + 1;
  }
  return json.length;
}

function stringEnd(json: Buffer, start: number): number {
  let at = start + 1;
  while (at < json.length && json[at] !== quote) at += json[at] === backslash ? 2 : 1;
  return at;
}
