import { Type } from '@sinclair/typebox';
import { validate, type JsonObject } from '../../core/mod.js';
import type { DeploymentDocument } from './api/mod.js';

const closed = { additionalProperties: false } as const;

const DeploymentDocumentSchema = Type.Object(
  {
    deploymentId: Type.String({ minLength: 1 }),
    components: Type.Record(
      Type.String({ minLength: 1 }),
      Type.Object(
        {
          componentVersion: Type.String({ minLength: 1 }),
          configurationUpdate: Type.Optional(
            Type.Object(
              {
                reset: Type.Optional(Type.Array(Type.String({ pattern: '^(/|$)' }))),
                merge: Type.Optional(Type.Unsafe<JsonObject>({ type: 'object' })),
              },
              closed,
            ),
          ),
        },
        closed,
      ),
    ),
    failureHandlingPolicy: Type.Optional(Type.Unsafe({ type: 'string', enum: ['ROLLBACK', 'DO_NOTHING'] })),
    componentUpdatePolicy: Type.Optional(
      Type.Object(
        {
          action: Type.Unsafe({ type: 'string', enum: ['NOTIFY_COMPONENTS', 'SKIP_NOTIFY_COMPONENTS'] }),
          timeoutInSeconds: Type.Optional(Type.Integer({ minimum: 0 })),
        },
        closed,
      ),
    ),
    configurationValidationPolicy: Type.Optional(
      Type.Object({ timeoutInSeconds: Type.Optional(Type.Integer({ minimum: 0 })) }, closed),
    ),
  },
  closed,
);

/** @throws EdgeError INVALID_ARGUMENT that names the key */
export function checkDocument(document: DeploymentDocument): void {
  validate(DeploymentDocumentSchema, document, 'Cannot read the deployment document');
}
