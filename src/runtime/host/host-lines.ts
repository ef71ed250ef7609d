import { limited, type Clock, type Logger } from '../../core/mod.js';

const LINE_CHARS = 1000;
/** ONNX Runtime writes a line for each run that fails, and any app can let runs fail. */
const LIMIT = { most: 30, windowMs: 60_000 };

type Output = NodeJS.ReadableStream | null;

/** Logs what a host writes, some lines of each of its streams a minute. @param logger asked for each line */
export function tellLines(
  { stdout, stderr }: { readonly stdout: Output; readonly stderr: Output },
  clock: Pick<Clock, 'monotonicMs'>,
  logger: () => Logger,
): void {
  const heldBack = (lines: number): void => logger().warn('Model host wrote more than is logged', { lines });
  const info = (line: string): void => logger().info('Model host wrote', { line });
  const warn = (line: string): void => logger().warn('Model host wrote', { line });
  eachLine(stdout, limited(clock, LIMIT, info, heldBack));
  eachLine(stderr, limited(clock, LIMIT, warn, heldBack));
}

function eachLine(stream: Output, log: (line: string) => void): void {
  let rest = '';
  stream?.setEncoding('utf8').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = (lines.pop() ?? '').slice(0, LINE_CHARS);
    for (const line of lines) if (line !== '') log(line.slice(0, LINE_CHARS));
  });
}
