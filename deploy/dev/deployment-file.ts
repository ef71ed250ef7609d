import { Type } from '@sinclair/typebox';
import { EdgeError, messageOf, validate, type JsonObject } from '../../src/core/mod.js';
import type { WantedComponent } from '../../src/local/nucleus/mod.js';
import { readYaml } from '../../src/recipe/mod.js';
import { readText } from '../files/mod.js';

/** The part of a deployment that a person writes: components with version and configuration. */
const DeploymentFile = Type.Object(
  {
    components: Type.Record(
      Type.String(),
      Type.Object(
        {
          componentVersion: Type.String(),
          configurationUpdate: Type.Optional(
            Type.Object(
              {
                reset: Type.Optional(Type.Array(Type.String())),
                merge: Type.Optional(Type.Unsafe<JsonObject>(Type.Object({}))),
              },
              { additionalProperties: false },
            ),
          ),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);

/** Components by name, of a YAML or JSON file. @throws EdgeError INVALID_ARGUMENT naming the file */
export async function readDeployment(file: string): Promise<Record<string, WantedComponent>> {
  const { components } = validate(DeploymentFile, await parsed(file), `Cannot read the deployment ${file}`);
  return Object.fromEntries(
    Object.entries(components).map(([name, { componentVersion, configurationUpdate }]) => {
      const { reset, merge } = configurationUpdate ?? {};
      const update = {
        ...(reset === undefined ? {} : { reset }),
        ...(merge === undefined ? {} : { merge }),
      };
      return [name, { componentVersion, configurationUpdate: update }];
    }),
  );
}

async function parsed(file: string): Promise<unknown> {
  return readYaml(await textOf(file), `the deployment ${file}`);
}

async function textOf(file: string): Promise<string> {
  try {
    return await readText(file);
  } catch (cause) {
    throw new EdgeError('FILE_UNREADABLE', `Cannot read the deployment ${file}: ${messageOf(cause)}`, {
      cause,
    });
  }
}
