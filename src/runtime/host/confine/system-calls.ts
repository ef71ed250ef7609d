import { createRequire } from 'node:module';
import type * as Koffi from 'koffi';

/** What a host asks of the kernel beside what Node offers. Failures are error numbers, never exceptions. */
export interface SystemCalls {
  /** Which version of Landlock the kernel has; 0: none, or switched off. */
  landlockAbi(): number;
  /** @returns a descriptor, or a negative number */
  createRuleset(attribute: Uint8Array): number;
  addPathRule(ruleset: number, rule: Uint8Array): boolean;
  /** For this thread and what it executes. */
  restrictSelf(ruleset: number): boolean;
  /** For this thread and what it executes: no set-user-id program gives rights back. */
  noNewPrivileges(): boolean;
  /** For all threads of the process. */
  filterCalls(program: Uint8Array): boolean;
  limit(resource: number, most: bigint): boolean;
  closeOnExecuteFrom(descriptor: number): boolean;
  keepOnExecute(descriptor: number): boolean;
  /** Returns only where it failed, with the error number. */
  execute(path: string, args: readonly string[], environment: readonly string[]): number;
}

/** The same numbers on x64 and arm64. */
const CALL = { createRuleset: 444, addRule: 445, restrictSelf: 446, closeRange: 436 } as const;
const SECCOMP = { x64: 317, arm64: 277 } as const;
const VERSION_FLAG = 1;
const RULE_PATH_BENEATH = 1;
const PR_SET_NO_NEW_PRIVS = 38;
const SECCOMP_SET_MODE_FILTER = 1;
const SECCOMP_FILTER_FLAG_TSYNC = 1;
const CLOSE_RANGE_CLOEXEC = 4;
const LAST_DESCRIPTOR = 0xffff_ffff;
const F_SETFD = 2;
const INSTRUCTION_BYTES = 8;

/**
 * @param file koffi's native file. The script around it in its package would load HTTP, zlib and crypto to find it.
 * @throws where the C library can't be called from here: another architecture, another C library
 */
export function loadSystemCalls(file: string, architecture: keyof typeof SECCOMP): SystemCalls {
  const koffi = createRequire(file)(file) as typeof Koffi;
  const library = koffi.load(null);
  const call = library.func('long syscall(long, long, long, long, long)');
  const callWithBytes = library.func('long syscall(long, void *, long, long, long)');
  const addRule = library.func('long syscall(long, long, long, void *, long)');
  const program = koffi.struct({ length: 'uint16', instructions: 'void *' });
  const filter = library.func('syscall', 'long', ['long', 'long', 'long', koffi.pointer(program), 'long']);
  const control = library.func('int prctl(int, unsigned long, unsigned long, unsigned long, unsigned long)');
  const limit = library.func('int setrlimit(int, void *)');
  const descriptorFlags = library.func('int fcntl(int, int, int)');
  const execute = library.func('int execve(const char *, const char **, const char **)');
  return {
    landlockAbi: () => Math.max(0, Number(call(CALL.createRuleset, 0, 0, VERSION_FLAG, 0))),
    createRuleset: (attribute) =>
      Number(callWithBytes(CALL.createRuleset, attribute, attribute.byteLength, 0, 0)),
    addPathRule: (ruleset, rule) => Number(addRule(CALL.addRule, ruleset, RULE_PATH_BENEATH, rule, 0)) === 0,
    restrictSelf: (ruleset) => Number(call(CALL.restrictSelf, ruleset, 0, 0, 0)) === 0,
    noNewPrivileges: () => Number(control(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)) === 0,
    filterCalls: (instructions) => {
      const filled = { length: instructions.byteLength / INSTRUCTION_BYTES, instructions };
      const number = SECCOMP[architecture];
      return Number(filter(number, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, filled, 0)) === 0;
    },
    limit: (resource, most) => limit(resource, new Uint8Array(BigUint64Array.of(most, most).buffer)) === 0,
    closeOnExecuteFrom: (descriptor) =>
      Number(call(CALL.closeRange, descriptor, LAST_DESCRIPTOR, CLOSE_RANGE_CLOEXEC, 0)) === 0,
    keepOnExecute: (descriptor) => descriptorFlags(descriptor, F_SETFD, 0) === 0,
    execute: (path, args, environment) => {
      execute(path, [...args, null], [...environment, null]);
      return koffi.errno();
    },
  };
}
