export interface RoleAliasRecord {
  readonly arn: string;
  readonly roleArn: string;
}

export interface RoleAliases {
  roleAlias(name: string): Promise<RoleAliasRecord | undefined>;
}
