/** A part of AWS with accounts, trust and domain names of its own. */
export interface Partition {
  /** As in ARNs. */
  readonly name: string;
  /** Of its endpoints, and in `kms:ViaService`. */
  readonly dnsSuffix: string;
}

const PARTITIONS: readonly (readonly [regions: RegExp, name: string, dnsSuffix: string])[] = [
  [/^cn-/, 'aws-cn', 'amazonaws.com.cn'],
  [/^us-gov-/, 'aws-us-gov', 'amazonaws.com'],
  [/^us-iso-/, 'aws-iso', 'c2s.ic.gov'],
  [/^us-isob-/, 'aws-iso-b', 'sc2s.sgov.gov'],
  [/^eu-isoe-/, 'aws-iso-e', 'cloud.adc-e.uk'],
  [/^us-isof-/, 'aws-iso-f', 'csp.hci.ic.gov'],
  [/^eusc-/, 'aws-eusc', 'amazonaws.eu'],
];

/** @example partitionOf('cn-north-1') // { name: 'aws-cn', dnsSuffix: 'amazonaws.com.cn' } */
export function partitionOf(region: string): Partition {
  const [, name = 'aws', dnsSuffix = 'amazonaws.com'] =
    PARTITIONS.find(([regions]) => regions.test(region)) ?? [];
  return { name, dnsSuffix };
}
