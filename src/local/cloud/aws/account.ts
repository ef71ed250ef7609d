import { partitionOf, type Clock, type Random } from '../../../core/mod.js';

/** What all parts of the local cloud share. */
export interface Account {
  readonly region: string;
  readonly id: string;
  readonly clock: Clock;
  readonly random: Random;
}

export function arnOf(account: Account, service: string, resource: string): string {
  return `arn:${partitionOf(account.region).name}:${service}:${account.region}:${account.id}:${resource}`;
}

/** Tags by ARN, of every service. */
export class Tags {
  readonly #byArn = new Map<string, Map<string, string>>();

  set(arn: string, tags: Readonly<Record<string, string>> | undefined): void {
    const held = this.#byArn.get(arn) ?? new Map<string, string>();
    for (const [key, value] of Object.entries(tags ?? {})) held.set(key, value);
    this.#byArn.set(arn, held);
  }

  remove(arn: string, keys: readonly string[]): void {
    for (const key of keys) this.#byArn.get(arn)?.delete(key);
  }

  of(arn: string): Record<string, string> {
    return Object.fromEntries(this.#byArn.get(arn) ?? []);
  }
}
