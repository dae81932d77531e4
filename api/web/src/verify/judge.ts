// Has a bundle judged, in a worker made from text within this page, so that a copy on disk does the same.
import wasmText from 'virtual:verifier';
import Judge from './worker?worker&inline';

export type Verdict = 'holds' | 'fails' | 'open';

/** One claim, as `avow verify --json` has it. */
export interface Claim {
  name: string;
  verdict: Verdict;
  text: string;
}

/** What the verifier says. */
export type Answer = { claims: Claim[] } | { no_bundle: string } | { no_policy: string };

/** What the worker is given. */
export interface Asked {
  wasm: ArrayBuffer;
  bundle: File;
  policy: File | null;
}

/** What it tells: bytes read so far, at last an answer, or why there is none. */
export type Told = { read: number } | { answer: Answer } | { broken: string };

/** The verifier's bytes. */
async function verifier(): Promise<ArrayBuffer> {
  const packed = Uint8Array.from(atob(wasmText), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([packed]).stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
}

/** Judges a bundle; calls `read` with the bytes read so far. Rejects where the verifier breaks down or `signal` ends it. */
export async function judge(bundle: File, policy: File | null, read: (bytes: number) => void, signal: AbortSignal): Promise<Answer> {
  const wasm = await verifier();
  signal.throwIfAborted();
  const worker = new Judge();
  try {
    return await new Promise<Answer>((resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error));
      worker.onerror = (event) => reject(new Error(event.message));
      worker.onmessage = ({ data }: MessageEvent<Told>) => {
        if ('answer' in data) resolve(data.answer);
        else if ('broken' in data) reject(new Error(data.broken));
        else read(data.read);
      };
      worker.postMessage({ wasm, bundle, policy } satisfies Asked, [wasm]);
    });
  } finally {
    worker.terminate();
  }
}

const ORDER: Record<Verdict, number> = { fails: 0, open: 1, holds: 2 };

/** Failed claims first, then the open ones; otherwise as they come. */
export const worstFirst = (claims: Claim[]): Claim[] => claims.toSorted((a, b) => ORDER[a.verdict] - ORDER[b.verdict]);
