import { arnOf, type Account } from './account.js';
import { AwsError, invalid, notFound } from './errors.js';

export interface Thing {
  readonly name: string;
  readonly arn: string;
  attributes: Readonly<Record<string, string>>;
  readonly groups: Set<string>;
  version: number;
  connectedSinceMs: number | undefined;
  disconnectedAtMs: number | undefined;
  /** What its core has told: `os`, `architecture`, `runtime`. */
  platform: Readonly<Record<string, string>>;
}

export interface ThingGroup {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  readonly parent: string | undefined;
  readonly things: Set<string>;
  readonly createdAtMs: number;
}

/** A thing may be in this many groups. Source: AWS IoT Core quotas. */
const MAX_GROUPS_PER_THING = 10;

/** Things and static thing groups, with AWS's rules on hierarchies. */
export class ThingRegistry {
  readonly things = new Map<string, Thing>();
  readonly groups = new Map<string, ThingGroup>();
  readonly #account: Account;
  readonly #onJoined: (group: ThingGroup, thing: Thing) => void;

  constructor(account: Account, onJoined: (group: ThingGroup, thing: Thing) => void) {
    this.#account = account;
    this.#onJoined = onJoined;
  }

  createThing(name: string, attributes: Readonly<Record<string, string>> = {}): Thing {
    const known = this.things.get(name);
    if (known !== undefined) {
      if (JSON.stringify(known.attributes) === JSON.stringify(attributes)) return known;
      throw exists('Thing', name, known.arn);
    }
    const thing: Thing = {
      name,
      arn: arnOf(this.#account, 'iot', `thing/${name}`),
      attributes,
      groups: new Set(),
      version: 1,
      connectedSinceMs: undefined,
      disconnectedAtMs: undefined,
      platform: {},
    };
    this.things.set(name, thing);
    return thing;
  }

  deleteThing(name: string): void {
    const thing = this.things.get(name);
    if (thing === undefined) return;
    for (const group of thing.groups) this.groups.get(group)?.things.delete(name);
    this.things.delete(name);
  }

  createGroup(name: string, description = '', parent?: string): ThingGroup {
    const known = this.groups.get(name);
    if (known !== undefined) {
      if (known.description === description && known.parent === parent) return known;
      throw exists('Thing Group', name, known.arn);
    }
    if (parent !== undefined) this.group(parent);
    const group: ThingGroup = {
      name,
      arn: arnOf(this.#account, 'iot', `thinggroup/${name}`),
      description,
      parent,
      things: new Set(),
      createdAtMs: this.#account.clock.wallMs(),
    };
    this.groups.set(name, group);
    return group;
  }

  /** A group that does not exist is deleted already. */
  deleteGroup(name: string): void {
    const group = this.groups.get(name);
    if (group === undefined) return;
    if ([...this.groups.values()].some(({ parent }) => parent === name))
      throw invalid(
        'iot',
        `Cannot delete thing group : ${name} when there are still child groups attached to it`,
      );
    for (const thing of group.things) this.things.get(thing)?.groups.delete(name);
    this.groups.delete(name);
  }

  thing(name: string): Thing {
    const thing = this.things.get(name);
    if (thing === undefined) throw notFound('iot', 'Thing', name);
    return thing;
  }

  group(name: string): ThingGroup {
    const group = this.groups.get(name);
    if (group === undefined) throw notFound('iot', 'Thing group', name);
    return group;
  }

  join(groupName: string, thingName: string): void {
    const group = this.group(groupName);
    const thing = this.thing(thingName);
    if (thing.groups.has(group.name)) return;
    if (thing.groups.size >= MAX_GROUPS_PER_THING) {
      throw invalid('iot', `Thing ${thingName} is in ${MAX_GROUPS_PER_THING} groups`);
    }
    const root = this.#rootOf(group);
    for (const other of thing.groups) {
      if (this.#rootOf(this.group(other)) === root) {
        throw invalid('iot', `Thing ${thingName} is in group ${other} of the same hierarchy`);
      }
    }
    thing.groups.add(group.name);
    group.things.add(thing.name);
    this.#onJoined(group, thing);
  }

  leave(groupName: string, thingName: string): void {
    const group = this.group(groupName);
    const thing = this.thing(thingName);
    thing.groups.delete(group.name);
    group.things.delete(thing.name);
  }

  /** The things of a target: a thing's ARN, or a group's with its children. */
  targets(arn: string): readonly Thing[] {
    const name = arn.slice(arn.indexOf('/') + 1);
    if (arn.includes(':thing/')) {
      const thing = this.things.get(name);
      return thing === undefined ? [] : [thing];
    }
    const group = this.groups.get(name);
    return group === undefined ? [] : [...this.members(group)].map((thing) => this.thing(thing));
  }

  /** Names of the things of a group and of all below it. */
  members(group: ThingGroup): ReadonlySet<string> {
    const below = [...this.groups.values()].filter((one) => this.#isBelow(one, group.name));
    return below.length === 1 ? group.things : new Set(below.flatMap((one) => [...one.things]));
  }

  /** ARNs under which a thing gets deployments: its own, its groups' and their parents'. */
  arnsOf(thing: Thing): readonly string[] {
    const arns = [thing.arn];
    for (const name of thing.groups) arns.push(...this.ancestors(this.group(name)));
    return arns;
  }

  /** The ARNs of a group and of all above it. */
  ancestors(group: ThingGroup): readonly string[] {
    return group.parent === undefined
      ? [group.arn]
      : [group.arn, ...this.ancestors(this.group(group.parent))];
  }

  #isBelow(group: ThingGroup, name: string): boolean {
    if (group.name === name) return true;
    const parent = group.parent === undefined ? undefined : this.groups.get(group.parent);
    return parent !== undefined && this.#isBelow(parent, name);
  }

  #rootOf(group: ThingGroup): string {
    return group.parent === undefined ? group.name : this.#rootOf(this.group(group.parent));
  }
}

function exists(what: string, name: string, arn: string): AwsError {
  return new AwsError(
    'ResourceAlreadyExistsException',
    409,
    `${what} ${name} already exists in account with different attributes`,
    { resourceId: name, resourceArn: arn },
  );
}
