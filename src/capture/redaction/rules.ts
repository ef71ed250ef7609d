import { Type, type Static } from '@sinclair/typebox';

const strict = { additionalProperties: false } as const;
const target = {
  /** Name of an input or output tensor, or of an auxiliary item. */
  name: Type.String({ minLength: 1, maxLength: 256 }),
  /** Default `both`. */
  side: Type.Optional(
    Type.Unsafe<'input' | 'output' | 'both'>(Type.String({ enum: ['input', 'output', 'both'] })),
  ),
};

/** `[from, to)` on one axis. */
const Range = Type.Tuple([Type.Integer({ minimum: 0 }), Type.Integer({ minimum: 1 })]);

/** Leaves the item out of the record. */
export const DropRule = Type.Object({ action: Type.Literal('drop'), ...target }, strict);
/** Keeps a salted SHA-256 in place of the values: equal values can still be told, by this device's owner only. */
export const HashRule = Type.Object({ action: Type.Literal('hash'), ...target }, strict);
/** Keeps a box: one range per axis of the tensor, `null` for the whole axis. */
export const CropRule = Type.Object(
  {
    action: Type.Literal('crop'),
    ...target,
    ranges: Type.Array(Type.Union([Range, Type.Null()]), { minItems: 1, maxItems: 8 }),
  },
  strict,
);
export const RULE_SCHEMAS = { drop: DropRule, hash: HashRule, crop: CropRule } as const;
export type RedactionRule = Static<typeof DropRule> | Static<typeof HashRule> | Static<typeof CropRule>;
