/** A static thing group. */
export interface GroupRecord {
  readonly name: string;
  readonly arn: string;
  readonly description: string;
  readonly createdAtMs: number | undefined;
}

/** Static thing groups, and who is in them. */
export interface ThingGroups {
  groupArn(name: string): Promise<string | undefined>;
  group(name: string): Promise<GroupRecord | undefined>;
  /** Thing groups whose names start with `prefix`. */
  groups(prefix: string): Promise<readonly { readonly name: string; readonly arn: string }[]>;
  createGroup(name: string, description: string, tags: Readonly<Record<string, string>>): Promise<string>;
  tagGroup(arn: string, tags: Readonly<Record<string, string>>): Promise<void>;
  groupTags(arn: string): Promise<Readonly<Record<string, string>>>;
  thingsIn(group: string): Promise<readonly string[]>;
  join(group: string, thing: string): Promise<void>;
  leave(group: string, thing: string): Promise<void>;
}
