import { AwsError } from './errors.js';

/** Gives a document's value of a field: undefined, a value or several. */
export type Fields = (field: string) => string | number | boolean | readonly string[] | undefined;
export type Query = (fields: Fields) => boolean;

/**
 * The part of fleet indexing's query language that this project uses: `field:value` with `*` and `?`, quoted
 * values, `>`, `>=`, `<`, `<=`, AND, OR, NOT and parentheses; terms side by side are joined by AND.
 */
export function parseQuery(text: string): Query {
  const tokens = text.match(/\(|\)|(?:[^\s()":]+:(?:"(?:[^"\\]|\\.)*"|[^\s()"]+))|[^\s()]+/g) ?? [];
  const reader = { tokens, at: 0 };
  if (tokens.length === 0) throw invalidQuery(text);
  const query = readOr(reader, text);
  if (reader.at < tokens.length) throw invalidQuery(text);
  return query;
}

interface Reader {
  readonly tokens: readonly string[];
  at: number;
}

function readOr(reader: Reader, text: string): Query {
  const parts = [readAnd(reader, text)];
  while (reader.tokens[reader.at] === 'OR') {
    reader.at += 1;
    parts.push(readAnd(reader, text));
  }
  return (fields) => parts.some((part) => part(fields));
}

function readAnd(reader: Reader, text: string): Query {
  const parts = [readNot(reader, text)];
  for (;;) {
    const token = reader.tokens[reader.at];
    if (token === undefined || token === ')' || token === 'OR') break;
    if (token === 'AND') reader.at += 1;
    parts.push(readNot(reader, text));
  }
  return (fields) => parts.every((part) => part(fields));
}

function readNot(reader: Reader, text: string): Query {
  const token = reader.tokens[reader.at];
  reader.at += 1;
  if (token === undefined || token === ')') throw invalidQuery(text);
  if (token === 'NOT') {
    const part = readNot(reader, text);
    return (fields) => !part(fields);
  }
  if (token === '(') {
    const part = readOr(reader, text);
    if (reader.tokens[reader.at] !== ')') throw invalidQuery(text);
    reader.at += 1;
    return part;
  }
  return term(token, text);
}

function term(token: string, text: string): Query {
  if (token === '*') return () => true;
  const compare = /^([^:<>=]+)(>=|<=|>|<)(-?[0-9.]+)$/.exec(token);
  if (compare !== null) return comparison(compare[1] ?? '', compare[2] ?? '', Number(compare[3]));
  const colon = token.indexOf(':');
  if (colon < 1) throw invalidQuery(text);
  const field = token.slice(0, colon);
  const raw = token.slice(colon + 1);
  const quoted = raw.startsWith('"') ? raw.slice(1, -1).replaceAll(/\\(.)/g, '$1') : undefined;
  const matches = quoted === undefined ? pattern(raw) : (value: string) => value === quoted;
  return (fields) => {
    const value = fields(field);
    if (value === undefined) return false;
    return Array.isArray(value) ? value.some(matches) : matches(String(value));
  };
}

function comparison(field: string, operator: string, limit: number): Query {
  return (fields) => {
    const value = fields(field);
    if (typeof value !== 'number') return false;
    if (operator === '>') return value > limit;
    if (operator === '>=') return value >= limit;
    return operator === '<' ? value < limit : value <= limit;
  };
}

function pattern(raw: string): (value: string) => boolean {
  if (!/[*?]/.test(raw)) {
    const wanted = raw.replaceAll(/\\(.)/g, '$1');
    return (value) => value === wanted;
  }
  const source = raw
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  const expression = new RegExp(`^${source}$`);
  return (value) => expression.test(value);
}

function invalidQuery(text: string): Error {
  return new AwsError('InvalidQueryException', 400, `The query ${text} is not valid`);
}
