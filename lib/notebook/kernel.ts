import { type ChildProcess, spawn } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { engineError, type LabError } from '../errors';
import { packageRoot } from '../package-root';
import { temporaryFolder } from '../processes';

const specificationSchema = z.object({ argv: z.array(z.string()).min(1) });

/** The folder that Jupyter must search (`JUPYTER_PATH`) to find this project's kernel. */
export function jupyterFolder(): string {
  return join(packageRoot(), 'jupyter');
}

/** The command line of the committed kernel specification, with its placeholders filled in. */
function kernelCommand(connectionFile: string): { program: string; args: string[] } {
  const folder = join(jupyterFolder(), 'kernels', 'tslab');
  const text = readFileSync(join(folder, 'kernel.json'), 'utf8');
  const { argv } = specificationSchema.parse(JSON.parse(text) as unknown);
  const [program, ...args] = argv.map((part) =>
    part.replace('{resource_dir}', folder).replace('{connection_file}', connectionFile),
  );
  // The specification says `node`; the one that runs this program is known to be recent enough.
  return { program: program === 'node' ? process.execPath : (program ?? ''), args };
}

const headerSchema = z.object({ msg_id: z.string(), msg_type: z.string() });
const messageSchema = z.object({
  header: headerSchema,
  parent: headerSchema.partial(),
  content: z.record(z.string(), z.unknown()),
});

/** One message of Jupyter's protocol, as far as it is used here. */
export type Message = z.infer<typeof messageSchema>;

const delimiter = '<IDS|MSG>';

/**
 * The frames of a request: delimiter, HMAC-SHA256 signature, header, parent, metadata, content.
 *
 * Source: Jupyter messaging, "The wire protocol".
 */
function encodeRequest(
  key: string,
  session: string,
  type: string,
  content: object,
): { readonly id: string; readonly frames: string[] } {
  const id = randomUUID();
  const header = {
    msg_id: id,
    session,
    username: 'norm-direction-lab',
    date: new Date().toISOString(),
    msg_type: type,
    version: '5.3',
  };
  const parts = [header, {}, {}, content].map((part) => JSON.stringify(part));
  return { id, frames: [delimiter, sign(key, parts), ...parts] };
}

/**
 * Reads a message from its frames.
 *
 * @throws Error when the signature or the form is wrong: then something else answers on this channel.
 */
function decodeMessage(key: string, frames: readonly Uint8Array[]): Message {
  const texts = frames.map((frame) => Buffer.from(frame).toString('utf8'));
  const start = texts.indexOf(delimiter);
  const [signature, ...parts] = start === -1 ? [] : texts.slice(start + 1, start + 6);
  if (parts.length !== 4 || signature !== sign(key, parts)) {
    throw new Error('a message on the kernel’s channel is not signed as agreed');
  }
  const [header, parent, , content] = parts.map((part): unknown => JSON.parse(part));
  return messageSchema.parse({ header, parent, content });
}

function sign(key: string, parts: readonly string[]): string {
  const hmac = createHmac('sha256', key);
  for (const part of parts) hmac.update(part);
  return hmac.digest('hex');
}

/** Milliseconds that a kernel may take to answer for the first time, on a busy machine. */
const startPatience = 120_000;
const endPatience = 3_000;
const kernelInfoInterval = 500;

/** A running kernel. */
export interface Kernel {
  /** Sends a request on the shell channel; resolves with the reply once the kernel is idle again. */
  request(type: string, content: object, onSent?: (id: string) => void): Promise<Message>;
  /** Ends the process. */
  stop(): Promise<void>;
}

interface Waiting {
  readonly resolve: (reply: Message) => void;
  readonly reject: (error: Error) => void;
  reply?: Message;
  idle: boolean;
}

/**
 * Starts this project's kernel and waits until it listens. `onMessage` gets everything that it
 * publishes, also what comes late, after the reply to the request that caused it.
 *
 * @throws LabError of kind `engine` when the kernel cannot be started.
 */
export async function startKernel(
  onMessage: (message: Message) => void = () => undefined,
): Promise<Kernel> {
  // When it is wanted: the package goes without notebooks and what they need.
  const { Dealer, Subscriber } = await import('zeromq');
  const folder = temporaryFolder('kernel');
  const connection = newConnection(folder);
  const file = join(folder, 'connection.json');
  writeFileSync(file, JSON.stringify(connection), { mode: 0o600 });
  const { program, args } = kernelCommand(file);
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const own = collectText(child);
  const shell = new Dealer({ linger: 0 });
  const published = new Subscriber({ linger: 0 });
  published.subscribe();
  const waiting = new Map<string, Waiting>();
  let announceSubscription = (): void => undefined;
  const subscribed = new Promise<void>((resolve) => (announceSubscription = resolve));
  let ended: Error | undefined;

  const settle = (id = '', news: Partial<Waiting>): void => {
    const entry = waiting.get(id);
    if (entry === undefined) return;
    Object.assign(entry, news);
    if (entry.reply === undefined || !entry.idle) return;
    waiting.delete(id);
    entry.resolve(entry.reply);
  };
  const fail = (error: Error): void => {
    ended ??= error;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  const receive = async (
    socket: AsyncIterable<Uint8Array[]>,
    take: (message: Message) => void,
  ): Promise<void> => {
    try {
      for await (const frames of socket) take(decodeMessage(connection.key, frames));
    } catch (error) {
      fail(error instanceof Error ? error : new Error(String(error)));
    }
  };

  child.on('error', (error) => {
    fail(kernelFault('the notebooks’ kernel cannot be started', error.message));
  });
  child.on('exit', (code, signal) => {
    const how = signal === null ? `exit status ${String(code)}` : `ended by ${signal}`;
    fail(kernelFault('the kernel died', [how, own()].filter((part) => part !== '').join('; ')));
  });
  shell.connect(channel(connection, connection.shell_port));
  published.connect(channel(connection, connection.iopub_port));
  void receive(shell, (reply) => settle(reply.parent.msg_id, { reply }));
  void receive(published, (message) => {
    announceSubscription();
    onMessage(message);
    if (message.header.msg_type === 'status' && message.content['execution_state'] === 'idle') {
      settle(message.parent.msg_id, { idle: true });
    }
  });

  const session = randomUUID();
  const kernel: Kernel = {
    request: async (type, content, onSent) => {
      if (ended !== undefined) throw ended;
      const { id, frames } = encodeRequest(connection.key, session, type, content);
      const reply = new Promise<Message>((resolve, reject) => {
        waiting.set(id, { resolve, reject, idle: false });
      });
      onSent?.(id);
      await shell.send(frames);
      return reply;
    },
    stop: async () => {
      await end(child);
      shell.close();
      published.close();
    },
  };

  try {
    await firstAnswer(kernel, subscribed);
  } catch (error) {
    await kernel.stop();
    throw error;
  } finally {
    // Both ends have read the file and opened the channels: nothing is left behind, however this ends.
    rmSync(folder, { recursive: true, force: true });
  }
  return kernel;
}

/** A subscription takes effect some time after it was asked for, so the first request is repeated. */
async function firstAnswer(kernel: Kernel, subscribed: Promise<void>): Promise<void> {
  const deadline = Date.now() + startPatience;
  let seen = false;
  let failure: Error | undefined;
  void subscribed.then(() => (seen = true));
  while (!seen) {
    kernel.request('kernel_info_request', {}).catch((error: unknown) => {
      failure = error instanceof Error ? error : new Error(String(error));
    });
    await Promise.race([subscribed, sleep(kernelInfoInterval)]);
    if (failure !== undefined) throw failure;
    if (Date.now() > deadline) {
      throw kernelFault('the notebooks’ kernel does not answer', `${startPatience / 1000} s`);
    }
  }
  await kernel.request('kernel_info_request', {});
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), endPatience);
  await exited;
  clearTimeout(timer);
}

/** What the kernel prints itself, before any cell runs or while it dies: the end of it. */
function collectText(child: ChildProcess): () => string {
  let text = '';
  const add = (chunk: Buffer): void => {
    text = (text + chunk.toString('utf8')).slice(-2000);
  };
  child.stdout?.on('data', add);
  child.stderr?.on('data', add);
  return () => text.trim();
}

/** Where a kernel listens, as Jupyter's connection file says it. */
function newConnection(folder: string) {
  return {
    transport: 'ipc',
    // With `ipc`, the path from which each channel's own is made.
    ip: join(folder, 'channel'),
    key: randomUUID(),
    signature_scheme: 'hmac-sha256',
    shell_port: 1,
    iopub_port: 2,
    stdin_port: 3,
    control_port: 4,
    hb_port: 5,
  };
}

function channel({ transport, ip }: ReturnType<typeof newConnection>, port: number): string {
  return `${transport}://${ip}:${String(port)}`;
}

function kernelFault(what: string, found: string): LabError {
  return engineError`${what}: found ${found === '' ? 'no message' : found}. npm run doctor tells the state of everything that notebooks need`;
}
