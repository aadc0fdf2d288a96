// Runs a WebAssembly program on node: its console is standard input and output.
import { readFileSync, readSync, writeSync } from "node:fs";

const byte = Buffer.alloc(1);
const imports = {
  put: (b) => writeSync(1, Buffer.from([b])),
  get: () => {
    try {
      return readSync(0, byte) === 1 ? byte[0] : -1;
    } catch {
      return -1;
    }
  },
  exit: (code) => process.exit(code),
};
const { instance } = await WebAssembly.instantiate(readFileSync(process.argv[2]), { env: imports });
instance.exports.main(0, 0);
