import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createOnnxEngine } from '../../src/engine/mod.js';

/** Loads each model that it is sent, and sends back the graph as ONNX Runtime holds it, unoptimised. */
const [folder = '.'] = process.argv.slice(2);
const engine = await createOnnxEngine();
const optimizedModelFile = join(folder, `readback-${process.pid}.onnx`);

async function readBack(model: Uint8Array): Promise<Uint8Array | string> {
  try {
    const session = await engine.load(model, { graphOptimization: 'disabled', optimizedModelFile });
    await session.close();
    return new Uint8Array(readFileSync(optimizedModelFile));
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    rmSync(optimizedModelFile, { force: true });
  }
}

process.on('message', (model: Uint8Array) => {
  void readBack(model).then((answer) => process.send?.(answer));
});
process.once('disconnect', () => process.exit(0));
