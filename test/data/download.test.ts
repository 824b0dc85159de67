import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { expect } from 'chai';
import { download, type DownloadOptions } from '../../lib/data/download';
import type { DataProgress } from '../../lib/data/progress';
import { sha256 } from '../../lib/files';
import { faultOf } from '../support/faults';
import { withFileServer } from '../support/file-server';
import { withFolder } from '../support/folder';

/** Larger than one network packet, without repetition that could hide a wrong joint. */
const content = Buffer.concat(
  Array.from({ length: 8000 }, (_, i) => createHash('sha256').update(String(i)).digest()),
);
const half = content.length / 2;

describe('download', () => {
  const folder = withFolder();
  const server = withFileServer();

  beforeEach(() => {
    Object.assign(server().file, { bytes: content, etag: '"one"' });
  });

  const destination = (): string => join(folder(), 'data', 'archive.tar.gz');
  const fetchIt = (more: Partial<DownloadOptions> = {}): ReturnType<typeof download> =>
    download({
      url: server().url,
      destination: destination(),
      checksum: { algorithm: 'sha256', value: sha256(content) },
      retries: 0,
      retryDelay: 1,
      ...more,
    });
  /** What lies in the folder of the destination. */
  const left = (): string[] => readdirSync(join(folder(), 'data')).sort();
  const keptBytes = (): number => statSync(`${destination()}.part`).size;
  const expectWholeAnd = (...others: readonly string[]): void => {
    expect(readFileSync(destination()).equals(content)).to.equal(true);
    expect(left()).to.deep.equal(['archive.tar.gz', ...others]);
  };
  const expectWhole = (): void => expectWholeAnd();

  it('fetches a file, tells how far it is, and leaves nothing else behind', async () => {
    const seen: DataProgress[] = [];
    const onProgress = (progress: DataProgress): unknown => seen.push(progress);
    expect(await fetchIt({ onProgress })).to.deep.equal({
      path: destination(),
      downloaded: true,
    });
    expectWhole();
    expect(seen.at(-1)).to.deep.equal({
      message: 'downloading archive.tar.gz',
      unit: 'bytes',
      done: content.length,
      total: content.length,
    });
  });

  it('takes an MD5 too, and does not fetch what is there', async () => {
    const value = createHash('md5').update(content).digest('hex');
    const checksum = { algorithm: 'md5', value } as const;
    await fetchIt({ checksum });
    expect(await fetchIt({ checksum })).to.have.property('downloaded', false);
    expect(server().requests).to.have.length(1);
  });

  it('refuses another file of that name and leaves it alone', async () => {
    mkdirSync(join(folder(), 'data'));
    writeFileSync(destination(), 'mine');
    const { what, where } = await faultOf(() => fetchIt());
    expect(what).to.equal('a file of that name is already there');
    expect(where).to.equal(destination());
    expect(readFileSync(destination(), 'utf8')).to.equal('mine');
    expect(server().requests).to.have.length(0);
  });

  it('keeps what came before the connection broke off and continues there', async () => {
    server().file.breakAfter = half;
    const { what, found, fix } = await faultOf(() => fetchIt());
    expect(what).to.equal('a download broke off');
    const kept = keptBytes();
    expect(kept).to.be.within(1, half);
    expect(found).to.contain(`after ${kept} bytes`);
    expect(fix).to.contain('goes on where it stopped');
    expect(left()).to.deep.equal(['archive.tar.gz.part', 'archive.tar.gz.part.json']);

    server().file.breakAfter = undefined;
    const seen: number[] = [];
    await fetchIt({ onProgress: ({ done }) => seen.push(done) });
    expectWhole();
    expect(server().requests[1]).to.include({ range: `bytes=${kept}-`, ifRange: '"one"' });
    expect(Math.min(...seen)).to.be.greaterThan(kept);
  });

  it('continues by itself when the connection breaks off again and again', async () => {
    server().file.breakAfter = content.length / 4;
    await fetchIt({ retries: 10 });
    expectWhole();
    // Each attempt starts where the one before it stopped.
    const starts = server().requests.map(({ range }) => Number(/\d+/.exec(range ?? '0')));
    expect(starts.length).to.be.within(4, 11);
    expect(starts).to.deep.equal([...starts].sort((a, b) => a - b));
    expect(starts.at(-1)).to.be.at.least(content.length / 2);
  });

  it('begins anew when the server cannot continue', async () => {
    server().file.breakAfter = half;
    await faultOf(() => fetchIt());
    Object.assign(server().file, { breakAfter: undefined, ranges: false });
    await fetchIt();
    expectWhole();
  });

  it('begins anew when the file has changed on the server meanwhile', async () => {
    Object.assign(server().file, { bytes: Buffer.alloc(content.length, 7), breakAfter: half });
    await faultOf(() => fetchIt());
    Object.assign(server().file, { bytes: content, breakAfter: undefined, etag: '"two"' });
    await fetchIt();
    expectWhole();
  });

  it('begins anew when the pieces do not fit and the server gave no mark to tell', async () => {
    const old = { bytes: Buffer.alloc(content.length, 7), breakAfter: half, etag: undefined };
    Object.assign(server().file, old);
    await faultOf(() => fetchIt());
    const kept = keptBytes();
    Object.assign(server().file, { bytes: content, breakAfter: undefined });
    await fetchIt();
    expectWhole();
    expect(server().requests.map(({ range }) => range)).to.deep.equal([
      undefined,
      `bytes=${kept}-`,
      undefined,
    ]);
  });

  it('begins anew when the server continues elsewhere than asked', async () => {
    server().file.breakAfter = half;
    await faultOf(() => fetchIt());
    Object.assign(server().file, { breakAfter: undefined, rangeError: 10 });
    await fetchIt({ retries: 1 });
    expectWhole();
  });

  it('accepts a partial file that was already whole', async () => {
    mkdirSync(join(folder(), 'data'));
    writeFileSync(`${destination()}.part`, content);
    await fetchIt();
    expectWhole();
    expect(server().requests).to.have.length(1);
  });

  it('begins anew when the partial file is longer than the file', async () => {
    mkdirSync(join(folder(), 'data'));
    writeFileSync(`${destination()}.part`, Buffer.concat([content, content]));
    await fetchIt({ retries: 1 });
    expectWhole();
  });

  it('refuses a wrong checksum, naming both, and keeps what came aside', async () => {
    const value = '0'.repeat(64);
    const { what, found, fix } = await faultOf(() =>
      fetchIt({ checksum: { algorithm: 'sha256', value } }),
    );
    expect(what).to.equal('a download has the wrong checksum');
    expect(found).to.equal(`SHA256 ${sha256(content)}, expected ${value}`);
    expect(fix).to.contain('archive.tar.gz.wrong');
    expect(left()).to.deep.equal(['archive.tar.gz.wrong']);
    expect(readFileSync(`${destination()}.wrong`).equals(content)).to.equal(true);
    // It does not stand in the way of the next attempt.
    await fetchIt();
    expect(left()).to.deep.equal(['archive.tar.gz', 'archive.tar.gz.wrong']);
  });

  it('takes the first digits of a checksum, and Git’s name of a file', async () => {
    const bytes = Buffer.from('hello\n');
    server().file.bytes = bytes;
    // printf 'hello\n' | git hash-object --stdin; … | sha256sum; … | md5sum
    const right = [
      { algorithm: 'git', value: 'ce013625030ba8dba906f756967f9e9ca394464a' },
      { algorithm: 'sha256', value: '5891b5b5' },
      { algorithm: 'md5', value: 'b1946a' },
    ] as const;
    for (const checksum of right) {
      const at = join(folder(), checksum.algorithm);
      await fetchIt({ checksum, destination: at });
      const wrong = { ...checksum, value: `f${checksum.value.slice(1)}` };
      const { found } = await faultOf(() => fetchIt({ checksum: wrong, destination: `${at}2` }));
      expect(found).to.contain(`expected ${wrong.value}`);
    }
  });

  it('notices a file that ends early although the connection ends well', async () => {
    Object.assign(server().file, { bytes: content.subarray(0, half), chunked: true });
    expect((await faultOf(() => fetchIt())).what).to.contain('wrong checksum');
    expect(left()).to.deep.equal(['archive.tar.gz.wrong']);
  });

  for (const [what, answer, expected] of [
    ['has no such file', { status: 404 }, 'HTTP status 404'],
    [
      'gives a web page',
      { contentType: 'text/html; charset=utf-8' },
      'a web page (text/html; charset=utf-8)',
    ],
  ] as const) {
    it(`says that the server ${what}, at once`, async () => {
      Object.assign(server().file, answer);
      const { found, where } = await faultOf(() => fetchIt({ retries: 3 }));
      expect(found).to.equal(expected);
      expect(where).to.equal(server().url);
      expect(server().requests).to.have.length(1);
      expect(left()).to.deep.equal([]);
    });
  }

  it('stops at once when the user does, keeps what came, and goes on there', async () => {
    server().file.slowPieces = half;
    const controller = new AbortController();
    const stopped = await faultOf(() =>
      fetchIt({ signal: controller.signal, retries: 3, onProgress: () => controller.abort() }),
    );
    expect(stopped.kind).to.equal('interrupted');
    const kept = keptBytes();
    expect(kept).to.be.within(1, content.length - 1);
    expect(left()).to.deep.equal(['archive.tar.gz.part', 'archive.tar.gz.part.json']);
    server().file.slowPieces = undefined;
    await fetchIt();
    expectWhole();
    expect(server().requests.map(({ range }) => range)).to.deep.equal([
      undefined,
      `bytes=${kept}-`,
    ]);
  });

  it('goes through the proxy that the environment names, but for what it exempts', async () => {
    const { url } = server();
    const proxy = createServer((asked, answer) => {
      seen.push(asked.url ?? '');
      answer.end(content);
    });
    const seen: string[] = [];
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    proxy.on('connect', (asked: IncomingMessage, socket: Duplex) => {
      seen.push(asked.url ?? '');
      const to = connect(Number(new URL(url).port), '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        to.pipe(socket);
        socket.pipe(to);
      });
      to.on('error', () => socket.destroy());
      socket.on('error', () => to.destroy());
    });
    const { port } = proxy.address() as AddressInfo;
    const before = { ...process.env };
    try {
      process.env['http_proxy'] = `http://127.0.0.1:${port}`;
      await fetchIt();
      expect(seen).to.have.length(1);
      expect(seen[0]).to.contain(new URL(url).host);
      process.env['no_proxy'] = '127.0.0.1';
      await fetchIt({ destination: `${destination()}2` });
      expect(seen).to.have.length(1);
    } finally {
      for (const name of ['http_proxy', 'no_proxy']) {
        Reflect.deleteProperty(process.env, name);
        if (before[name] !== undefined) process.env[name] = before[name];
      }
      proxy.closeAllConnections();
      proxy.close();
    }
    expectWholeAnd('archive.tar.gz2');
  });

  it('tries again when the server is busy', async () => {
    server().file.status = 503;
    const { found } = await faultOf(() => fetchIt({ retries: 2 }));
    expect(found).to.equal('HTTP status 503');
    expect(server().requests).to.have.length(3);
  });

  it('says that the server cannot be reached, and how to do without', async () => {
    await server().close();
    const { what, found, fix } = await faultOf(() => fetchIt({ retries: 3 }));
    expect(what).to.equal('a server cannot be reached');
    expect(found).to.contain('ECONNREFUSED');
    expect(fix).to.contain(destination());
  });

  it('says so when the disk is full, and when the folder cannot be made', async function () {
    mkdirSync(join(folder(), 'data'));
    writeFileSync(join(folder(), 'file'), '');
    const under = join(folder(), 'file', 'archive.tar.gz');
    const { kind, where } = await faultOf(() => fetchIt({ destination: under }));
    expect([kind, where]).to.deep.equal(['file', join(folder(), 'file')]);

    // A device on which every write fails for want of space; Linux has it.
    if (!existsSync('/dev/full')) return this.skip();
    symlinkSync('/dev/full', `${destination()}.part`);
    const { what, fix } = await faultOf(() => fetchIt());
    expect(what).to.equal('the disk is full');
    expect(fix).to.contain('goes on where it stopped');
    expect(existsSync(destination())).to.equal(false);
  });

  it('gives up a connection on which nothing comes', async () => {
    Object.assign(server().file, { breakAfter: 1000, stall: true });
    const { found } = await faultOf(() => fetchIt({ idleTimeout: 300 }));
    expect(found).to.contain('nothing was received for 0.3 s');
  });

  it('refuses to write where another process is downloading', async () => {
    const [first, second] = await Promise.allSettled([fetchIt(), fetchIt()]);
    const states = [first.status, second.status].sort();
    expect(states).to.deep.equal(['fulfilled', 'rejected']);
    const refused = first.status === 'rejected' ? first : second;
    expect(refused)
      .to.have.nested.property('reason.problem')
      .that.includes('another process is downloading the same file');
    expectWhole();
  });
});
