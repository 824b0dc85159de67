import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Dealer, Subscriber } from 'zeromq';
import { LabError } from '../../errors';
import { kernelCommand } from './specification';
import { decodeMessage, encodeRequest } from './wire';
import type { Connection, Message } from './wire';

/** Milliseconds that a kernel may take to answer for the first time, on a busy machine. */
const startPatience = 120_000;
const endPatience = 3_000;
const kernelInfoInterval = 500;

/** What the kernel sends while it works: output of the request with this id. */
export type OnMessage = (message: Message) => void;

/** A running kernel. */
export interface Kernel {
  /** Sends a request on the shell channel; resolves with the reply once the kernel is idle again. */
  request(type: string, content: object, onSent?: (id: string) => void): Promise<Message>;
  /** Ends the process and removes its files. */
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
export async function startKernel(onMessage: OnMessage = () => undefined): Promise<Kernel> {
  const folder = mkdtempSync(join(tmpdir(), 'norm-direction-kernel-'));
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

  const settle = (id: string): void => {
    const entry = waiting.get(id);
    if (entry?.reply === undefined || !entry.idle) return;
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
  void receive(shell, (message) => {
    const entry = waiting.get(message.parent.msg_id ?? '');
    if (entry !== undefined) entry.reply = message;
    settle(message.parent.msg_id ?? '');
  });
  void receive(published, (message) => {
    announceSubscription();
    onMessage(message);
    if (message.header.msg_type !== 'status' || message.content['execution_state'] !== 'idle')
      return;
    const entry = waiting.get(message.parent.msg_id ?? '');
    if (entry !== undefined) entry.idle = true;
    settle(message.parent.msg_id ?? '');
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
      rmSync(folder, { recursive: true, force: true });
    },
  };

  try {
    await firstAnswer(kernel, subscribed);
  } catch (error) {
    await kernel.stop();
    throw error;
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
      throw kernelFault(
        'the notebooks’ kernel does not answer',
        `${String(startPatience / 1000)} s`,
      );
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

function newConnection(folder: string): Connection {
  return {
    transport: 'ipc',
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

function channel({ transport, ip }: Connection, port: number): string {
  return `${transport}://${ip}:${String(port)}`;
}

function kernelFault(what: string, found: string): LabError {
  return new LabError({
    kind: 'engine',
    what,
    found: found === '' ? 'no message' : found,
    remedy: 'npm run doctor tells the state of everything that notebooks need',
  });
}
