/**
 * The kernel's own words for Landlock (linux/landlock.h), as far as a model host needs them. A ruleset names what is
 * denied from now on; rules then allow some of it below a file or folder.
 */

/** What a path may be used for; the bits are the kernel's. */
export const ACCESS = {
  execute: 1 << 0,
  writeFile: 1 << 1,
  readFile: 1 << 2,
  readFolder: 1 << 3,
  removeFile: 1 << 5,
  makeFile: 1 << 8,
  truncate: 1 << 14,
  /** `ioctl` on a device. */
  deviceControl: 1 << 15,
} as const;

/** Rights that mean something for a file; the kernel refuses the others in a rule for one. */
const OF_FILES = ACCESS.execute | ACCESS.writeFile | ACCESS.readFile | ACCESS.truncate | ACCESS.deviceControl;
/** Each version of the interface brought rights that an older kernel refuses to hear of. */
const FIRST_RIGHTS = 13;
const RIGHTS_SINCE: readonly (readonly [abi: number, rights: number])[] = [
  [2, 14],
  [3, 15],
  [5, 16],
];
const NETWORK_SINCE = 4;
const SCOPES_SINCE = 6;
/** Binding and connecting TCP; abstract unix sockets and signals that leave the domain. */
const BOTH = 3n;

/** Everything that this version of the interface can deny, as `struct landlock_ruleset_attr`. */
export function rulesetAttribute(abi: number): Uint8Array {
  const words = [BigInt(handledRights(abi))];
  if (abi >= NETWORK_SINCE) words.push(BOTH);
  if (abi >= SCOPES_SINCE) words.push(BOTH);
  const bytes = new DataView(new ArrayBuffer(words.length * 8));
  for (const [index, word] of words.entries()) bytes.setBigUint64(index * 8, word, true);
  return new Uint8Array(bytes.buffer);
}

/** One rule as `struct landlock_path_beneath_attr`, which is packed: what is allowed at or below an open path. */
export function pathRule(abi: number, access: number, isFolder: boolean, descriptor: number): Uint8Array {
  const known = access & handledRights(abi);
  const bytes = new DataView(new ArrayBuffer(12));
  bytes.setBigUint64(0, BigInt(isFolder ? known : known & OF_FILES), true);
  bytes.setInt32(8, descriptor, true);
  return new Uint8Array(bytes.buffer);
}

function handledRights(abi: number): number {
  const rights = RIGHTS_SINCE.findLast(([since]) => abi >= since)?.[1] ?? FIRST_RIGHTS;
  return 2 ** rights - 1;
}

/** In words, what stays open in this version. */
export function landlockPhrase(abi: number): string {
  return abi >= SCOPES_SINCE ? `Landlock ${abi}` : `Landlock ${abi} of ${SCOPES_SINCE}`;
}
