import { Type, type Static } from '@sinclair/typebox';
import { EdgeError, messageOf, validate } from '../../src/core/mod.js';
import { join } from '../../src/disk/mod.js';
import { readText } from '../files/mod.js';

/** The part of gdk-config.json that a custom build reads; gdk accepts unknown keys, so do we. */
const GdkComponent = Type.Object({
  author: Type.String(),
  version: Type.String(),
  build: Type.Object({
    build_system: Type.String(),
    custom_build_command: Type.Optional(Type.Array(Type.String())),
  }),
  publish: Type.Object({ bucket: Type.String(), region: Type.Optional(Type.String()) }),
});
const GdkConfig = Type.Object({
  component: Type.Record(Type.String(), GdkComponent),
  gdk_version: Type.String(),
});

export interface GdkProject {
  readonly name: string;
  /** As in the config: a version, or the literal NEXT_PATCH. */
  readonly version: string;
  readonly settings: Static<typeof GdkComponent>;
}

export async function readGdkProject(folder: string): Promise<GdkProject> {
  const what = 'Cannot read gdk-config.json';
  let value: unknown;
  try {
    value = JSON.parse(await readText(join(folder, 'gdk-config.json')));
  } catch (cause) {
    throw new EdgeError('FILE_UNREADABLE', `${what} in ${folder}: ${messageOf(cause)}`, { cause });
  }
  const components = Object.entries(validate(GdkConfig, value, what).component);
  const [only] = components;
  if (components.length !== 1 || only === undefined) {
    throw new EdgeError(
      'FIELD_INVALID',
      `${what} as it must hold exactly one component: it holds ${components.length}`,
    );
  }
  return { name: only[0], version: only[1].version, settings: only[1] };
}
