import { AGENT_COMPONENT, UPLOADER_COMPONENT } from '../../src/contract/mod.js';
import type { ComponentChange } from './components.js';

/** The components of ours that the classic nucleus asks before it changes their configuration. */
const ASKED: ReadonlySet<string> = new Set([AGENT_COMPONENT, UPLOADER_COMPONENT]);

/**
 * Once the classic nucleus (2.18.0) asks one component of a deployment, it awaits an answer from all whose configuration
 * alone changes, also from those that never answer, and fails the deployment. Nucleus lite asks nobody.
 */
export function askedTogether(changes: readonly ComponentChange[]): readonly string[] {
  const reconfigured = changes
    .filter(
      (change) => change.kind === 'change' && change.from.componentVersion === change.to.componentVersion,
    )
    .map(({ name }) => name);
  const silent = reconfigured.filter((name) => !ASKED.has(name));
  if (silent.length === 0 || silent.length === reconfigured.length) return [];
  return [
    `Devices with the classic nucleus fail a deployment that changes the configuration of ${reconfigured.filter((name) => ASKED.has(name)).join(' and ')} together with that of components which do not answer for theirs (${silent.join(', ')}): change them in two deployments`,
  ];
}
