import { shapeOf, type Rule, type ServiceModel, type Shape } from './service-model.js';

/** Values of a rule's member: some that must pass, at its very limits, and some that must not, just behind them. */
export interface Tries {
  readonly inside: readonly unknown[];
  readonly outside: readonly unknown[];
}

const TEXTS = [
  'a',
  'A',
  'aaaaaaaaaaaaaaaaaaaaaaaaaaa',
  'arn:aws:iot:us-east-1:123456789012:thinggroup/a',
  'arn:aws:greengrass:us-east-1:123456789012:components:a',
  'arn:aws:greengrass:us-east-1:123456789012:components:a:versions:1.0.0',
];
const STRANGE = ['!', ' ', '~', '%', 'ü', '\u0001', 'a!', '\u0000'];

export function triesOf(model: ServiceModel, { shape }: Rule): Tries {
  const { type, min, max } = shape;
  switch (type) {
    case 'string':
      return textTries(shape);
    case 'list':
      return sizeTries(shape, (count) =>
        Array.from({ length: count }, () => sample(model, shape.member?.shape)),
      );
    case 'map':
      return sizeTries(shape, (count) =>
        Object.fromEntries(
          Array.from({ length: count }, (_one, index) => [`k${index}`, sample(model, shape.value?.shape)]),
        ),
      );
    default:
      return {
        inside: [min, max].filter((limit) => limit !== undefined),
        outside: [
          ...(min === undefined ? [] : [min - 1]),
          // Above the largest integers of a double one more is the same number.
          ...(max === undefined ? [] : [max < Number.MAX_SAFE_INTEGER ? max + 1 : max * 2]),
        ],
      };
  }
}

function sizeTries({ min = 0, max }: Shape, make: (count: number) => unknown): Tries {
  return {
    inside: [make(Math.max(1, min)), ...(max === undefined ? [] : [make(max)])],
    outside: [...(min > 0 ? [make(min - 1)] : []), ...(max === undefined ? [] : [make(max + 1)])],
  };
}

function textTries(shape: Shape): Tries {
  const { min = 0, max, enum: values } = shape;
  if (values !== undefined) return { inside: values, outside: ['NOPE'] };
  const fits = (text: string): boolean => matches(shape, text);
  const long = max === undefined ? [] : ['a'.repeat(max), 'A'.repeat(max)].filter(fits).slice(0, 1);
  const isBounded = (text: string): boolean =>
    text.length >= min && (max === undefined || text.length <= max);
  return {
    inside: [textOf(shape), ...long],
    outside: [
      ...(min > 0 ? ['a'.repeat(min - 1)] : []),
      ...long.map((text) => `${text}${text.slice(0, 1)}`),
      ...STRANGE.filter((text) => !fits(text) && isBounded(text)).slice(0, 2),
    ],
  };
}

/** The pattern covers the whole text. AWS's are Java's, which has other names for some classes. */
function matches({ pattern }: Shape, text: string): boolean {
  if (pattern === undefined) return true;
  const source = pattern
    .replaceAll('\\p{Graph}', '\\x21-\\x7e')
    .replaceAll('\\p{Upper}', 'A-Z')
    .replaceAll('\\p{Digit}', '0-9');
  return new RegExp(`^(?:${source})$`, 'u').test(text);
}

function textOf(shape: Shape): string {
  const { min = 0, max = Infinity, enum: values } = shape;
  if (values !== undefined) return values[0] ?? '';
  const found = TEXTS.find((text) => text.length >= min && text.length <= max && matches(shape, text));
  if (found === undefined) throw new Error(`No sample matches ${shape.pattern}`);
  return found;
}

/** A value that a shape takes; of structures the members that must be there. */
export function sample(model: ServiceModel, name = ''): unknown {
  const shape = shapeOf(model, name);
  switch (shape.type) {
    case 'structure':
      return Object.fromEntries(
        (shape.required ?? []).map((member) => [member, sample(model, shape.members?.[member]?.shape)]),
      );
    case 'list':
      return [sample(model, shape.member?.shape)];
    case 'map':
      return { k: sample(model, shape.value?.shape) };
    case 'string':
      return textOf(shape);
    case 'blob':
      return Buffer.from('{}');
    case 'boolean':
      return true;
    case 'timestamp':
      return new Date(0);
    default:
      return shape.min ?? 1;
  }
}

/** A request that the operation takes, but for the value at one path. */
export function requestWith(model: ServiceModel, operation: string, path: string, value: unknown): unknown {
  const parts = path.split(/\.|(?=\[)|(?=\{)/);
  return placed(model, model.operations[operation]?.input?.shape ?? '', parts, value);
}

function placed(
  model: ServiceModel,
  name: string,
  [part, ...rest]: readonly string[],
  value: unknown,
): unknown {
  if (part === undefined) return value;
  const shape = shapeOf(model, name);
  if (part === '[]') return [placed(model, shape.member?.shape ?? '', rest, value)];
  if (part === '{key}') return { [String(value)]: sample(model, shape.value?.shape) };
  if (part === '{value}') return { k: placed(model, shape.value?.shape ?? '', rest, value) };
  const inside = placed(model, shape.members?.[part]?.shape ?? '', rest, value);
  return { ...(sample(model, name) as object), [part]: inside };
}
