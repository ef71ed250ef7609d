import { isJsonObject, type Json } from '../core/mod.js';
import type { RecipeProfile } from './parse.js';

/** A component as recipe variables see it. Paths are absolute and without a slash at their end. */
export interface VariableScope {
  readonly artifactsPath: string;
  readonly decompressedPath: string;
  readonly workPath: string;
  readonly configuration: Json;
}

export interface Variables extends VariableScope {
  readonly kernelRootPath: string;
  readonly thingName: string;
  /** The components that the recipe names as dependencies; read on the Java nucleus only. */
  readonly dependencies: Readonly<Record<string, VariableScope>>;
}

export interface Interpolated {
  readonly text: string;
  /** Placeholders that stood for nothing: they stay as they are on the Java nucleus and end the text on lite. */
  readonly unresolved: readonly string[];
}

/**
 * Fills in `{artifacts:path}` and its kin.
 *
 * The nuclei differ where a placeholder stands for nothing. The Java nucleus leaves it in the text, so shell
 * constructs such as `${HOME}` pass. Nucleus lite takes every opening brace for a placeholder and writes the script
 * only up to the first that it cannot fill: the truncated script runs.
 * @param quote how lite escapes what it fills in; the Java nucleus never does
 */
export function interpolate(
  text: string,
  variables: Variables,
  profile: RecipeProfile,
  quote: 'script' | 'single' | 'none' = 'script',
): Interpolated {
  return profile === 'nucleus' ? onNucleus(text, variables) : onLite(text, variables, quote);
}

function onNucleus(text: string, variables: Variables): Interpolated {
  const unresolved: string[] = [];
  const fill = (placeholder: string, value: string | undefined): string => {
    if (value === undefined) unresolved.push(placeholder);
    return value ?? placeholder;
  };
  const own = text.replace(/\{([.\w-]+):([^:}]*)\}/g, (placeholder, namespace: string, key: string) =>
    fill(placeholder, valueOf(namespace, key, variables, variables, javaText)),
  );
  const all = own.replace(
    /\{([.\w-]+):([.\w-]+):([^:}]*)\}/g,
    (placeholder, component: string, namespace: string, key: string) => {
      const scope = variables.dependencies[component];
      const value = scope === undefined ? undefined : valueOf(namespace, key, scope, variables, javaText);
      return fill(placeholder, value);
    },
  );
  return { text: all, unresolved };
}

function onLite(text: string, variables: Variables, quote: 'script' | 'single' | 'none'): Interpolated {
  let written = '';
  let rest = text;
  for (;;) {
    const open = rest.indexOf('{');
    if (open < 0) return { text: written + rest, unresolved: [] };
    written += rest.slice(0, open);
    const close = rest.indexOf('}', open);
    const placeholder = close < 0 ? rest.slice(open) : rest.slice(open, close + 1);
    const [, namespace, key] = /^\{([^:}]*):([^}]*)\}$/.exec(placeholder) ?? [];
    const value =
      namespace === undefined || key === undefined
        ? undefined
        : valueOf(namespace, key, withSlashes(variables), variables, liteText);
    if (value === undefined) return { text: written, unresolved: [placeholder] };
    written += escaped(value, quote);
    rest = rest.slice(close + 1);
  }
}

/** Lite ends the paths of artifacts and work folder with a slash. */
function withSlashes(scope: VariableScope): VariableScope {
  return {
    ...scope,
    artifactsPath: `${scope.artifactsPath}/`,
    decompressedPath: `${scope.decompressedPath}/`,
    workPath: `${scope.workPath}/`,
  };
}

function escaped(value: string, quote: 'script' | 'single' | 'none'): string {
  switch (quote) {
    case 'script':
      return value.replace(/["\\$`]/g, '\\$&');
    case 'single':
      return value.replaceAll("'", "'\\''");
    case 'none':
      return value;
  }
}

function valueOf(
  namespace: string,
  key: string,
  scope: VariableScope,
  { kernelRootPath, thingName }: Variables,
  shown: (value: Json) => string,
): string | undefined {
  switch (`${namespace}:${key}`) {
    case 'artifacts:path':
      return scope.artifactsPath;
    case 'artifacts:decompressedPath':
      return scope.decompressedPath;
    case 'work:path':
      return scope.workPath;
    case 'kernel:rootPath':
      return kernelRootPath;
    case 'iot:thingName':
      return thingName;
    default: {
      if (namespace !== 'configuration') return undefined;
      // Lite reads "/" as the whole document, the Java nucleus as the key "" (RFC 6901).
      const pointer = shown === liteText && key === '/' ? '' : key;
      const value = atPointer(scope.configuration, pointer);
      return value === undefined ? undefined : shown(value);
    }
  }
}

/** The value behind a JSON pointer; "" is the whole document. Undefined where there is none. */
function atPointer(document: Json, pointer: string): Json | undefined {
  if (pointer === '') return document;
  if (!pointer.startsWith('/')) return undefined;
  let value: Json | undefined = document;
  for (const part of pointerParts(pointer)) {
    if (Array.isArray(value)) value = /^\d+$/.test(part) ? value[Number(part)] : undefined;
    else if (isJsonObject(value)) value = Object.hasOwn(value, part) ? value[part] : undefined;
    else return undefined;
  }
  return value;
}

/** The keys that a JSON pointer walks through. */
export function pointerParts(pointer: string): string[] {
  if (pointer === '') return [];
  return pointer
    .replace(/^\//, '')
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function liteText(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The Java nucleus keeps every number of a deployment as a double, and prints it as one. */
function javaText(value: Json): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return javaDouble(value);
  if (value === null || typeof value === 'boolean') return String(value);
  return javaJson(value);
}

function javaJson(value: Json): string {
  if (typeof value === 'number') return javaDouble(value);
  if (Array.isArray(value)) return `[${value.map(javaJson).join(',')}]`;
  if (isJsonObject(value)) {
    return `{${Object.entries(value)
      .map(([key, part]) => `${JSON.stringify(key)}:${javaJson(part)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}

/** As Double.toString: a decimal point always, an exponent outside 0.001 to 10,000,000. */
function javaDouble(value: number): string {
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) {
    const [digits = '0', exponent = '0'] = value.toExponential().split('e');
    return `${digits.includes('.') ? digits : `${digits}.0`}E${Number(exponent)}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
