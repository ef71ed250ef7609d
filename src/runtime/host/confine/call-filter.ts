/**
 * Which calls of the kernel a model host may not make, as a program of its filter (seccomp). It holds where Landlock
 * is absent or too old to know sockets, and for those that Landlock does not know: UDP, unix sockets by path.
 */

/** Architectures that devices have, by Node's names. */
export type Architecture = 'x64' | 'arm64';

/** `AUDIT_ARCH_X86_64`, `AUDIT_ARCH_AARCH64`. */
const MACHINE: Readonly<Record<Architecture, number>> = { x64: 0xc000_003e, arm64: 0xc000_00b7 };
/** Calls of another word size begin here on x64; nothing of ours makes any. */
const X32_CALLS = 0x4000_0000;

/** Sockets; and ways into other processes of the same user, the agent among them. */
const DENIED: Readonly<Record<string, Readonly<Record<Architecture, number>>>> = {
  socket: { x64: 41, arm64: 198 },
  connect: { x64: 42, arm64: 203 },
  bind: { x64: 49, arm64: 200 },
  io_uring_setup: { x64: 425, arm64: 425 },
  ptrace: { x64: 101, arm64: 117 },
  process_vm_readv: { x64: 310, arm64: 270 },
  process_vm_writev: { x64: 311, arm64: 271 },
  pidfd_getfd: { x64: 438, arm64: 438 },
  unshare: { x64: 272, arm64: 97 },
};

const LOAD_WORD = 0x20;
const JUMP_IF_EQUAL = 0x15;
const JUMP_IF_AT_LEAST = 0x35;
const RETURN = 0x06;
const ALLOW = 0x7fff_0000;
const EACCES = 0x0005_0000 | 13;
/** Where `struct seccomp_data` has the call's number and its architecture. */
const [NUMBER_AT, MACHINE_AT] = [0, 4];

type Instruction = readonly [code: number, ifTrue: number, ifFalse: number, value: number];

/** The filter for this architecture, as an array of `struct sock_filter`: denied calls fail with EACCES. */
export function callFilter(architecture: Architecture): Uint8Array {
  const numbers = Object.values(DENIED).map((call) => call[architecture]);
  // Jumps count the instructions between; the last one denies.
  const toDenial = (index: number): number => numbers.length - index;
  const program: readonly Instruction[] = [
    [LOAD_WORD, 0, 0, MACHINE_AT],
    [JUMP_IF_EQUAL, 0, numbers.length + 3, MACHINE[architecture]],
    [LOAD_WORD, 0, 0, NUMBER_AT],
    [JUMP_IF_AT_LEAST, numbers.length + 1, 0, X32_CALLS],
    ...numbers.map((number, index): Instruction => [JUMP_IF_EQUAL, toDenial(index), 0, number]),
    [RETURN, 0, 0, ALLOW],
    [RETURN, 0, 0, EACCES],
  ];
  const bytes = new DataView(new ArrayBuffer(program.length * 8));
  for (const [index, [code, ifTrue, ifFalse, value]] of program.entries()) {
    bytes.setUint16(index * 8, code, true);
    bytes.setUint8(index * 8 + 2, ifTrue);
    bytes.setUint8(index * 8 + 3, ifFalse);
    bytes.setUint32(index * 8 + 4, value, true);
  }
  return new Uint8Array(bytes.buffer);
}
