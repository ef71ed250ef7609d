import { Type, type Static, type TSchema } from '@sinclair/typebox';

/**
 * The recipe as both nuclei read it: one spelling per key, the one that works on the case-sensitive nucleus lite
 * (sections in Pascal case, platform keys and lifecycle steps in lower case). Every object is closed, so a
 * misspelt key is an error; AWS and gdk ignore such keys, and the component then does less than its author thinks.
 */
const closed = { additionalProperties: false } as const;
const text = Type.String();

const Setenv = Type.Record(
  Type.String({ pattern: '^[A-Za-z_][A-Za-z0-9_]*$' }),
  Type.Union([Type.String(), Type.Number(), Type.Boolean()]),
  closed,
);

/** A lifecycle step in its long form. `Timeout` is in seconds, or a recipe variable that gives them. */
export const LifecycleStepSchema = Type.Object(
  {
    Script: Type.String({ minLength: 1 }),
    Setenv: Type.Optional(Setenv),
    Timeout: Type.Optional(
      Type.Union([Type.Integer({ minimum: 1 }), Type.String({ pattern: '^([1-9][0-9]*|\\{[^{}]+\\})$' })]),
    ),
    Skipif: Type.Optional(Type.String({ pattern: '^!?\\s*(onpath|exists)\\s+\\S' })),
    RequiresPrivilege: Type.Optional(
      Type.Union([Type.Boolean(), Type.String({ pattern: '^(true|false)$' })]),
    ),
  },
  closed,
);
export type LifecycleStep = Static<typeof LifecycleStepSchema>;

// "If it is text" rather than a union: a misspelt key of the long form is then named, not the union.
const Step = Type.Unsafe<string | LifecycleStep>({
  minLength: 1,
  if: { type: 'string' },
  else: LifecycleStepSchema,
});

export const STEP_NAMES = ['bootstrap', 'install', 'startup', 'run', 'shutdown', 'recover'] as const;
export type StepName = (typeof STEP_NAMES)[number];

export const LifecycleSchema = Type.Object(
  {
    Setenv: Type.Optional(Setenv),
    bootstrap: Type.Optional(Step),
    install: Type.Optional(Step),
    startup: Type.Optional(Step),
    run: Type.Optional(Step),
    shutdown: Type.Optional(Step),
    recover: Type.Optional(Step),
  },
  closed,
);
export type Lifecycle = Static<typeof LifecycleSchema>;

export const PlatformSchema = Type.Object(
  {
    os: Type.Optional(text),
    architecture: Type.Optional(text),
    'architecture.detail': Type.Optional(text),
    runtime: Type.Optional(text),
  },
  closed,
);
export type PlatformRequirement = Static<typeof PlatformSchema>;

const anyOf = <const T extends readonly string[]>(...values: T): TSchema & { static: T[number] } =>
  Type.Unsafe<T[number]>({ type: 'string', enum: values });

export const ArtifactSchema = Type.Object(
  {
    Uri: Type.String({ minLength: 1 }),
    Unarchive: Type.Optional(anyOf('NONE', 'ZIP')),
    Permission: Type.Optional(
      Type.Object(
        {
          Read: Type.Optional(anyOf('NONE', 'OWNER', 'ALL')),
          Execute: Type.Optional(anyOf('NONE', 'OWNER', 'ALL')),
        },
        closed,
      ),
    ),
    Digest: Type.Optional(text),
    Algorithm: Type.Optional(text),
  },
  closed,
);
export type Artifact = Static<typeof ArtifactSchema>;

export const ManifestSchema = Type.Object(
  {
    Name: Type.Optional(text),
    Platform: Type.Optional(PlatformSchema),
    Lifecycle: Type.Optional(LifecycleSchema),
    Selections: Type.Optional(Type.Array(text)),
    Artifacts: Type.Optional(Type.Array(ArtifactSchema)),
  },
  closed,
);
export type Manifest = Static<typeof ManifestSchema>;

const DependencySchema = Type.Object(
  {
    VersionRequirement: Type.String({ minLength: 1 }),
    DependencyType: Type.Optional(anyOf('HARD', 'SOFT')),
  },
  closed,
);

export const COMPONENT_TYPES = [
  'aws.greengrass.generic',
  'aws.greengrass.plugin',
  'aws.greengrass.lambda',
  'aws.greengrass.nucleus',
] as const;

const NAME_PATTERN = '^(?!\\.+$)[a-zA-Z0-9_.-]+$';

export const RecipeSchema = Type.Object(
  {
    RecipeFormatVersion: anyOf('2020-01-25'),
    ComponentName: Type.String({ pattern: NAME_PATTERN, maxLength: 128 }),
    ComponentVersion: Type.String({ maxLength: 64 }),
    ComponentDescription: Type.Optional(text),
    ComponentPublisher: Type.Optional(text),
    ComponentType: Type.Optional(anyOf(...COMPONENT_TYPES)),
    ComponentConfiguration: Type.Optional(
      Type.Object(
        { DefaultConfiguration: Type.Optional(Type.Record(Type.String(), Type.Unknown())) },
        closed,
      ),
    ),
    ComponentDependencies: Type.Optional(
      Type.Record(Type.String({ pattern: NAME_PATTERN }), DependencySchema, closed),
    ),
    Manifests: Type.Array(ManifestSchema, { minItems: 1 }),
    /** Recipe-wide lifecycles by selection name, such as `all` or `linux`. */
    Lifecycle: Type.Optional(
      Type.Record(Type.String({ pattern: '^[a-z0-9._-]+$' }), LifecycleSchema, closed),
    ),
  },
  closed,
);
export type Recipe = Static<typeof RecipeSchema>;

/**
 * The same as the nucleus (Java) takes it of others, once its keys are spelt as here: platforms may have attributes of
 * their own, and there may be no manifest at all.
 */
export const ClassicRecipeSchema = Type.Object(
  {
    ...RecipeSchema.properties,
    Manifests: Type.Array(
      Type.Object(
        {
          ...ManifestSchema.properties,
          Platform: Type.Optional(
            Type.Unsafe<PlatformRequirement>(Type.Record(Type.String(), Type.String())),
          ),
        },
        closed,
      ),
    ),
  },
  closed,
);
