import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';

/** A type of AWS's service model, as botocore carries it. */
export interface Shape {
  readonly type: string;
  readonly members?: Readonly<Record<string, { readonly shape: string; readonly location?: string }>>;
  readonly required?: readonly string[];
  readonly member?: { readonly shape: string };
  readonly key?: { readonly shape: string };
  readonly value?: { readonly shape: string };
  readonly min?: number;
  readonly max?: number;
  readonly pattern?: string;
  readonly enum?: readonly string[];
}

export interface ServiceModel {
  readonly operations: Readonly<
    Record<
      string,
      { readonly input?: { readonly shape: string }; readonly errors?: readonly { readonly shape: string }[] }
    >
  >;
  readonly shapes: Readonly<Record<string, Shape>>;
}

/** The folder of botocore's data; undefined where Python has no botocore (pip install boto3). */
export function findBotocore(): string | undefined {
  const probe = spawnSync('python3', ['-c', 'import botocore; print(botocore.__path__[0])'], {
    encoding: 'utf8',
  });
  return probe.status === 0 ? join(probe.stdout.trim(), 'data') : undefined;
}

/** @param path as `iot/2015-05-28` */
export function readServiceModel(data: string, path: string): ServiceModel {
  const bytes = gunzipSync(readFileSync(join(data, path, 'service-2.json.gz')));
  return JSON.parse(bytes.toString()) as ServiceModel;
}

/** One rule of the model on a member, by its path: `tags{key}`, `percents[]`, names joined by dots. */
export interface Rule {
  readonly path: string;
  readonly shape: Shape;
}

/** All members of an operation's request that the model bounds, and those that it requires. */
export function rulesOf(model: ServiceModel, operation: string): readonly Rule[] {
  const input = model.operations[operation]?.input?.shape;
  return input === undefined ? [] : walk(model, input, '');
}

function walk(model: ServiceModel, name: string, path: string): readonly Rule[] {
  const shape = shapeOf(model, name);
  const own = isBounded(shape) && path !== '' ? [{ path, shape }] : [];
  switch (shape.type) {
    case 'structure':
      return Object.entries(shape.members ?? {}).flatMap(([member, { shape: of }]) =>
        walk(model, of, path === '' ? member : `${path}.${member}`),
      );
    case 'list':
      return [...own, ...walk(model, shape.member?.shape ?? '', `${path}[]`)];
    case 'map':
      return [
        ...own,
        ...walk(model, shape.key?.shape ?? '', `${path}{key}`),
        ...walk(model, shape.value?.shape ?? '', `${path}{value}`),
      ];
    default:
      return own;
  }
}

export function shapeOf(model: ServiceModel, name: string): Shape {
  const shape = model.shapes[name];
  if (shape === undefined) throw new Error(`The model has no shape ${name}`);
  return shape;
}

function isBounded({ min, max, pattern, enum: values }: Shape): boolean {
  return min !== undefined || max !== undefined || pattern !== undefined || values !== undefined;
}
