import { messageOf, type Logger } from '../../core/mod.js';
import type { Registry, RegistryState } from '../registry/mod.js';

type Change = (state: RegistryState) => RegistryState;

/**
 * Makes a change that is bound to what was judged: it compares within the update, and leaves the state as it is
 * where that no longer holds.
 * @returns whether it was made
 */
export async function changeIf(registry: Pick<Registry, 'update'>, change: Change): Promise<boolean> {
  let made = false;
  await registry.update((state) => {
    const next = change(state);
    made = next !== state;
    return next;
  });
  return made;
}

/** Makes a change that nobody waits for, and then acts; a disk that fails is logged. */
export function changeSoon(
  registry: Pick<Registry, 'update'>,
  logger: Logger,
  change: Change,
  then: () => void = () => undefined,
): void {
  registry
    .update(change)
    .then(then)
    .catch((thrown: unknown) => {
      logger.error('The registry cannot be written', { reason: messageOf(thrown) });
    });
}
