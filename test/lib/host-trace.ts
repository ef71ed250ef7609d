/** One call in the log of `strace -f`. */
export interface TracedCall {
  readonly name: string;
  /** As strace prints them, with the result. */
  readonly text: string;
  /** The first path among its arguments; absent where it has none. */
  readonly path?: string;
  readonly failed: boolean;
}

/**
 * What the model hosts in a trace did, from the moment in which their launcher had given up its rights and executed
 * Node. Calls of their threads count as theirs.
 */
export function hostCalls(trace: string): readonly TracedCall[] {
  const hosts = new Set<string>();
  const launchers = new Set<string>();
  const calls: TracedCall[] = [];
  for (const [pid, text] of joined(trace.split('\n'))) {
    const child = /^(?:clone3?|v?fork)\(.*\) = (\d+)/.exec(text)?.[1];
    if (child !== undefined && hosts.has(pid)) hosts.add(child);
    if (text.startsWith('execve(') && text.endsWith(' = 0') && text.includes('host-launcher.cjs')) {
      launchers.add(pid);
    } else if (text.startsWith('execve(') && text.endsWith(' = 0') && launchers.delete(pid)) {
      hosts.add(pid);
    } else if (hosts.has(pid)) {
      const name = /^\w+/.exec(text)?.[0];
      const path = /"((?:[^"\\]|\\.)*)"/.exec(text)?.[1];
      if (name !== undefined)
        calls.push({ name, text, failed: / = -1 /.test(text), ...(path === undefined ? {} : { path }) });
    }
  }
  return calls;
}

/** Calls that another process's line interrupted, made whole again. */
function* joined(lines: readonly string[]): Generator<readonly [pid: string, text: string]> {
  const open = new Map<string, string>();
  for (const line of lines) {
    const [, pid = '', text = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const begun = / <unfinished \.\.\.>$/.exec(text);
    const rest = /^<\.\.\. \w+ resumed>(.*)$/.exec(text)?.[1];
    if (begun !== null) open.set(pid, text.slice(0, begun.index));
    else if (rest !== undefined) yield [pid, (open.get(pid) ?? '') + rest];
    else if (text !== '') yield [pid, text];
  }
}
