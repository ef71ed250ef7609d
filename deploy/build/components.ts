import { AGENT_COMPONENT, UPLOADER_COMPONENT } from '../../src/contract/mod.js';
import type { NativePackage } from './native.js';

/** A component with code of ours: what its artifact is made of. */
export interface CodeComponent {
  readonly name: string;
  /** Its gdk project, relative to the root. */
  readonly folder: string;
  /** Also the artifact's name: `<artifact>-<platform>.zip`. */
  readonly artifact: string;
  /** TypeScript entry points, relative to the root; each becomes one JavaScript file. */
  readonly entries: readonly string[];
  /** Such files that must have run before the event loop turns; each becomes one `.cjs`. */
  readonly synchronous?: readonly string[];
  readonly native: readonly NativePackage[];
  /** Folders of Python, relative to the root, by the name of the one file that Python runs them from. */
  readonly python?: Readonly<Record<string, string>>;
  /** Figures of the artifact that we do not want to exceed, megabytes (10^6 bytes). */
  readonly goalZipMb: Readonly<Record<string, number>>;
}

export const CODE_COMPONENTS: readonly CodeComponent[] = [
  {
    name: AGENT_COMPONENT,
    folder: 'components/agent-runtime',
    artifact: 'agent-runtime',
    entries: ['main', 'control', 'model-host', 'register-model', 'local-cli'].map(
      (entry) => `components/agent-runtime/${entry}.ts`,
    ),
    synchronous: ['components/agent-runtime/host-launcher.ts'],
    native: ['onnxruntime-node', 'koffi'],
    python: { 'python-host.pyz': 'src/runtime/host/python' },
    goalZipMb: { 'linux-amd64': 45, 'linux-aarch64': 35 },
  },
  {
    name: UPLOADER_COMPONENT,
    folder: 'components/capture-uploader',
    artifact: 'capture-uploader',
    entries: ['main', 'upload'].map((entry) => `components/capture-uploader/${entry}.ts`),
    native: [],
    goalZipMb: { 'linux-amd64': 45, 'linux-aarch64': 35 },
  },
];

/** The component that only names the others. */
export const BUNDLE_COMPONENT = 'org.edgemanager.EdgeManager';
