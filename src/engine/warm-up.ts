import type { Engine } from './port.js';

/** The smallest model: `y = Identity(x)` of one FP32, IR version 8, operator set 17. */
const SMALLEST_MODEL = 'CAg6NwoQCgF4EgF5IghJZGVudGl0eRIBZ1oPCgF4EgoKCAgBEgQKAggBYg8KAXkSCgoICAESBAoCCAFCAhAR';

/** Makes and closes a session, as the first one of a process costs more than twice what a later one does. */
export async function warmUp(engine: Engine): Promise<void> {
  const session = await engine.load(new Uint8Array(Buffer.from(SMALLEST_MODEL, 'base64')));
  await session.close();
}
