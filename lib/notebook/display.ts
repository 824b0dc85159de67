import { randomUUID } from 'node:crypto';

/** One output in several forms, by MIME type; whoever shows it takes the best that it can. */
export type MimeBundle = Readonly<Record<string, unknown>>;

/** An output that can be replaced while its cell runs, or later. */
export interface LiveDisplay {
  update(bundle: MimeBundle): void;
}

interface DisplayData {
  readonly data: MimeBundle;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly transient: { readonly display_id?: string };
}

type WriteDisplayData = (content: DisplayData, update: boolean) => void;

/**
 * Shows one output under a cell, in all the forms given. Outside a notebook the text form is printed.
 *
 * @param metadata by MIME type, such as `{ 'image/png': { width: 700 } }`
 */
export function show(bundle: MimeBundle, metadata: DisplayData['metadata'] = {}): void {
  write({ data: bundle, metadata, transient: {} }, false);
}

/** Shows an output that is replaced by each `update`. */
export function showLive(bundle: MimeBundle): LiveDisplay {
  const transient = { display_id: randomUUID() };
  write({ data: bundle, metadata: {}, transient }, false);
  return {
    update: (next) => {
      write({ data: next, metadata: {}, transient }, true);
    },
  };
}

/** Shows Markdown, with formulas in LaTeX between dollar signs. */
export function showMarkdown(text: string): void {
  show({ 'text/markdown': text, 'text/plain': text });
}

function write(content: DisplayData, update: boolean): void {
  const writer = kernelWriter();
  if (writer !== undefined) {
    writer(content, update);
    return;
  }
  const text = content.data['text/plain'];
  if (typeof text === 'string') process.stdout.write(`${text}\n`);
}

/**
 * tslab's public `display` sends one MIME type at a time; what it is made of sends a whole bundle. It is
 * looked up among the modules of this process, because the kernel's tslab need not be this project's.
 */
function kernelWriter(): WriteDisplayData | undefined {
  for (const [path, module] of Object.entries(require.cache)) {
    if (!/tslab[\\/]dist[\\/]jupyter\.js$/u.test(path)) continue;
    const exported: unknown = module?.exports;
    if (typeof exported !== 'object' || exported === null) continue;
    const writer: unknown = Reflect.get(exported, 'lastWriteDisplayData');
    if (typeof writer === 'function') {
      return (content, update) => {
        Reflect.apply(writer, undefined, [content, update]);
      };
    }
  }
  return undefined;
}
