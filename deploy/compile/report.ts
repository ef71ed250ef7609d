import { Type, type Static } from '@sinclair/typebox';
import { ToleranceSchema } from '../../src/model/mod.js';

const strict = { additionalProperties: false } as const;
const Measured = Type.Object(
  {
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    /** With its weights. */
    sizeBytes: Type.Integer({ minimum: 0 }),
    /** SHA-256 of each file of weights, where the model has them beside it. */
    weights: Type.Optional(Type.Array(Type.String({ pattern: '^[0-9a-f]{64}$' }))),
    loadMs: Type.Number({ minimum: 0 }),
    latencyP50Ms: Type.Number({ minimum: 0 }),
  },
  strict,
);

/** What compilation did and how it was proved; travels in the package as compile-report.json. */
export const CompileReportSchema = Type.Object(
  {
    formatVersion: Type.Literal(1),
    target: Type.String(),
    engine: Type.String(),
    /** Platform on which load time and latency were measured. */
    platform: Type.String(),
    passes: Type.Array(Type.String()),
    /** Numbers were made coarser on purpose: a package's golden samples take the proof's tolerance. */
    lossy: Type.Optional(Type.Boolean()),
    source: Measured,
    compiled: Measured,
    proof: Type.Object(
      {
        cases: Type.Integer({ minimum: 1 }),
        tolerance: ToleranceSchema,
        /** False where the model draws random numbers: it keeps to bounds, and has no differences. */
        deterministic: Type.Optional(Type.Boolean()),
        outputs: Type.Array(
          Type.Object(
            {
              name: Type.String(),
              elements: Type.Integer({ minimum: 0 }),
              largestDifference: Type.Number({ minimum: 0 }),
              meanDifference: Type.Number({ minimum: 0 }),
              outsideTolerance: Type.Integer({ minimum: 0 }),
              /** Share of rows along the last axis whose largest element is the same one; of fractions only. */
              top1Agreement: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
            },
            strict,
          ),
        ),
      },
      strict,
    ),
  },
  strict,
);
export type CompileReport = Static<typeof CompileReportSchema>;
export type OutputProof = CompileReport['proof']['outputs'][number];
