import type { Need } from '../iam/mod.js';
import { arnOf, type Account } from './account.js';
import type { Operation } from './model.js';
import { serviceOf } from './services.js';

export type Input = Readonly<Record<string, unknown>>;
/** The rights that an operation takes, by its name, for what it is asked. */
export type NeedsTable = Readonly<Record<string, (input: Input, arn: ArnMaker) => readonly Need[]>>;
/** ARN of a resource of this account and region. */
export type ArnMaker = (service: string, resource: string) => string;

/** One right of the operation's own name, on what the table says, or on `*`. */
export function needsOf(
  { service, name }: Operation,
  input: Input,
  account: Account,
  table: NeedsTable = {},
): readonly Need[] {
  const own = `${serviceOf(service).iamPrefix}:${name}`;
  const make = table[name];
  if (make === undefined) return [{ action: own, resource: '*' }];
  return make(input, (of, resource) => arnOf(account, of, resource));
}

/** A member of the input as text; empty where it is none. */
export function memberOf(input: Input, name: string): string {
  const value = input[name];
  return typeof value === 'string' ? value : '';
}
