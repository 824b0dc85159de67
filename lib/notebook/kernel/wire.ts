import { createHmac, randomUUID } from 'node:crypto';
import { z } from 'zod';

/** Where a kernel listens, as Jupyter's connection file says it. */
export interface Connection {
  readonly transport: 'ipc';
  /** With `ipc`, the path from which each channel's own is made. */
  readonly ip: string;
  readonly key: string;
  readonly signature_scheme: 'hmac-sha256';
  readonly shell_port: number;
  readonly iopub_port: number;
  readonly stdin_port: number;
  readonly control_port: number;
  readonly hb_port: number;
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
export function encodeRequest(
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
export function decodeMessage(key: string, frames: readonly Uint8Array[]): Message {
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
