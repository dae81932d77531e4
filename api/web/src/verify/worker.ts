// Where a bundle is judged: a worker, so that the page stays alive. The verifier asks for bytes of the files as it needs
// them, so a bundle of any size takes little memory.
import type { Asked, Told } from './judge';

/** How often the page is told how far it is, in ms. */
const TELL_EVERY = 100;
/** What the verifier is told where a file cannot be read. */
const FAILED = 0xffff_ffff;

interface Verifier {
  memory: WebAssembly.Memory;
  verify(bundleSize: bigint, policySize: bigint): void;
}

const tell = (told: Told) => postMessage(told);

onmessage = ({ data }: MessageEvent<Asked>) => {
  judge(data).catch((thrown: unknown) => tell({ broken: thrown instanceof Error ? thrown.message : String(thrown) }));
};

async function judge({ wasm, bundle, policy }: Asked): Promise<void> {
  const module = await WebAssembly.compile(wasm);
  const files = [bundle, policy];
  const reader = new FileReaderSync();
  let [read, told] = [0, performance.now()];
  const host = {
    read: (file: number, offset: bigint, into: number, length: number): number => {
      const from = Number(offset);
      try {
        const bytes = new Uint8Array(reader.readAsArrayBuffer(files[file]!.slice(from, from + length)));
        new Uint8Array(verifier.memory.buffer).set(bytes, into);
        read += bytes.length;
        if (performance.now() - told > TELL_EVERY) {
          told = performance.now();
          tell({ read });
        }
        return bytes.length;
      } catch {
        return FAILED;
      }
    },
    say: (text: number, length: number) => {
      const bytes = new Uint8Array(verifier.memory.buffer, text, length);
      tell({ answer: JSON.parse(new TextDecoder().decode(bytes)) });
    },
  };
  // Libraries within the verifier would ask a browser for other things, too; nothing here comes to that.
  const never = () => {
    throw new Error('the verifier asked for what it was not given');
  };
  const imports: Record<string, Record<string, (...values: never[]) => unknown>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) (imports[from] ??= {})[name] = never;
  const { exports } = await WebAssembly.instantiate(module, { ...imports, host });
  const verifier = exports as unknown as Verifier;
  verifier.verify(BigInt(bundle.size), policy ? BigInt(policy.size) : -1n);
}
