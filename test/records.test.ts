import { expect } from 'chai';
import { createHash } from 'node:crypto';
import { canonicalJson, hashJson } from '../lib/records';

describe('canonical JSON', () => {
  it('sorts keys at every depth and leaves out spaces and undefined', () => {
    const value = { b: [1, { d: null, c: 'x' }], a: true, e: undefined };
    expect(canonicalJson(value)).to.equal('{"a":true,"b":[1,{"c":"x","d":null}]}');
  });

  it('gives equal values the same hash, however they were built, and others another', () => {
    const hash = createHash('sha256').update('{"a":1,"b":2}').digest('hex');
    expect(hashJson({ a: 1, b: 2 })).to.equal(hash);
    expect(hashJson({ b: 2, a: 1 })).to.equal(hash);
    expect(hashJson({ a: 1, b: 3 })).not.to.equal(hash);
    expect(hashJson([1, 2])).not.to.equal(hashJson([2, 1]));
  });

  it('refuses what JSON would silently turn into something else', () => {
    expect(() => canonicalJson({ weight: Number.NaN })).to.throw(TypeError, '$.weight is NaN');
    expect(() => canonicalJson([new Map()])).to.throw(TypeError, '$[0]');
    expect(() => canonicalJson({ f: () => 1 })).to.throw(TypeError, 'function');
  });
});
