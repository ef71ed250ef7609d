import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { join } from 'node:path';
import { Type } from '@sinclair/typebox';
import { WireTensor, type ModelDescription, type ModelSummary, type ReplyOf } from '../../contract/mod.js';
import {
  canonicalJson,
  EdgeError,
  errorDocument,
  toEdgeError,
  validate,
  visible,
  visibleLine,
} from '../../core/mod.js';
import { fromInlineTensor } from '../../tensor/mod.js';
import { type AdminClient, type EdgeManagerClient, connectAdmin } from '../mod.js';
import { performCapturesCommand, type Answer, type CapturesCall } from './captures-command.js';
import { renderDescription, renderPrediction, renderStats, renderSummaries } from './local-tables.js';
import { LOCAL_USAGE, type Output } from './usage.js';

const OPTIONS = {
  version: { type: 'string' },
  label: { type: 'string' },
  path: { type: 'string' },
  inputs: { type: 'string' },
  work: { type: 'string' },
  timeout: { type: 'string' },
  reason: { type: 'string' },
  all: { type: 'boolean' },
  quarantined: { type: 'boolean' },
  pin: { type: 'boolean' },
  json: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

interface Call extends CapturesCall {
  readonly name: string | undefined;
  readonly selector: { readonly version?: string; readonly label?: string };
  readonly path: string | undefined;
  readonly inputs: string | undefined;
  readonly pinned: boolean;
}

/**
 * Reads a command, asks the agent, and shows its answer.
 * @returns the exit code
 */
export async function performLocalCommand(args: readonly string[], terminal: Output): Promise<number> {
  const output: Output = {
    out: (line) => terminal.out(visible(line)),
    error: (line) => terminal.error(visible(line)),
  };
  try {
    const { values, positionals } = parse(args);
    const [command, name, ...others] = positionals;
    const act = command === undefined ? undefined : COMMANDS.get(command);
    if (values.help === true || act === undefined) {
      output.out(LOCAL_USAGE);
      return values.help === true ? 0 : 1;
    }
    refuseIgnored(command ?? '', positionals.slice(1), Object.keys(values));
    const call: Call = {
      name,
      selector: {
        ...(values.version === undefined ? {} : { version: values.version }),
        ...(values.label === undefined ? {} : { label: values.label }),
      },
      path: values.path,
      inputs: values.inputs,
      pinned: values.pin === true,
      others,
      reason: values.reason,
      all: values.all === true,
      quarantined: values.quarantined === true,
      timeoutMs: timeoutOf(values.timeout),
    };
    await using admin = await connectAdmin(join(values.work ?? process.cwd(), 'admin.sock'));
    const answer = await act(admin.client, call, admin);
    output.out(values.json === true ? JSON.stringify(answer.json, undefined, 2) : answer.table);
    return 0;
  } catch (thrown) {
    const error = toEdgeError(thrown, 'Cannot finish the command');
    if (args.includes('--json')) {
      output.error(canonicalJson(errorDocument(error), 2));
      return 1;
    }
    output.error(visibleLine(`${error.code}: ${error.message}`));
    if (error.nextStep !== undefined) output.error(visibleLine(`Next: ${error.nextStep}`));
    return 1;
  }
}

const COMMANDS = new Map<
  string,
  (client: EdgeManagerClient, call: Call, admin: AdminClient) => Promise<Answer>
>([
  [
    'list',
    async (client, { timeoutMs }) => {
      const models: readonly ModelSummary[] = await client.listModels({ timeoutMs });
      return { json: models, table: renderSummaries(models) };
    },
  ],
  [
    'describe',
    async (client, call) =>
      described(await client.describeModel({ name: nameOf(call), ...call.selector }, call)),
  ],
  [
    'stats',
    async (client, { name, timeoutMs }) => {
      const stats: ReplyOf<'stats'> = await client.stats({
        timeoutMs,
        ...(name === undefined ? {} : { model: name }),
      });
      return { json: stats, table: renderStats(stats) };
    },
  ],
  [
    'load',
    async (client, call) => {
      const { path, pinned, selector } = call;
      const wanted = {
        name: nameOf(call),
        ...selector,
        ...(path === undefined ? {} : { path }),
        ...(pinned ? { pinned } : {}),
      };
      return described(await client.load(wanted, call));
    },
  ],
  [
    'unload',
    async (client, call) => {
      await client.unload({ name: nameOf(call), ...call.selector }, call);
      return { json: {}, table: `${nameOf(call)} unloaded` };
    },
  ],
  [
    'reset-newest',
    async (_client, call, admin) => {
      const { version } = call.selector;
      if (version === undefined) {
        throw new EdgeError('OPTION_INVALID', 'Cannot reset the newest version as --version is missing', {
          nextStep: 'Give the version that shall count as the newest',
        });
      }
      const reset = await admin.resetNewest({ name: nameOf(call), version }, call);
      const { newest = 'none', passedOver } = reset;
      const over = passedOver.length === 0 ? 'no version' : passedOver.join(', ');
      return { json: reset, table: `${reset.name}: the newest version is ${newest}; passed over: ${over}` };
    },
  ],
  ['captures', async (_client, call, admin) => await performCapturesCommand(call, admin)],
  [
    'predict',
    async (client, call) => {
      const inputs = (await readInputs(call.inputs)).map((wire, index) =>
        fromInlineTensor(wire, `inputs[${index}]`),
      );
      const prediction = await client.predict(nameOf(call), inputs, {
        ...call.selector,
        timeoutMs: call.timeoutMs,
      });
      return renderPrediction(prediction);
    },
  ],
]);

function described(description: ModelDescription): Answer {
  return { json: description, table: renderDescription(description) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true, strict: true });
  } catch (thrown) {
    throw new EdgeError('OPTION_INVALID', `Cannot read the command: ${toEdgeError(thrown).message}`, {
      nextStep: 'edge-manager local --help',
      cause: thrown,
    });
  }
}

/** What each command reads beside `--work`, `--timeout`, `--json` and `--help`. */
interface Reads {
  /** Words after the command, at most. */
  readonly words: number;
  readonly options: readonly (keyof typeof OPTIONS)[];
}

const READS = new Map<string, Reads>([
  ['list', { words: 0, options: [] }],
  ['describe', { words: 1, options: ['version', 'label'] }],
  ['stats', { words: 1, options: [] }],
  ['load', { words: 1, options: ['version', 'label', 'path', 'pin'] }],
  ['unload', { words: 1, options: ['version', 'label'] }],
  ['reset-newest', { words: 1, options: ['version'] }],
  ['captures', { words: Infinity, options: ['reason', 'all', 'quarantined'] }],
  ['predict', { words: 1, options: ['version', 'label', 'inputs'] }],
]);
const READ_BY_ALL: ReadonlySet<string> = new Set(['work', 'timeout', 'json', 'help']);

/** A word that would be passed over was meant: `load NAME 2.0.0` must not load another version. */
function refuseIgnored(command: string, words: readonly string[], options: readonly string[]): void {
  const reads = READS.get(command);
  if (reads === undefined) return;
  const word = words[reads.words];
  if (word !== undefined) {
    throw new EdgeError(
      'OPTION_INVALID',
      `Cannot run '${command}' as it takes ${reads.words === 0 ? 'no name' : 'one name'}: '${word}' is one word too many`,
      {
        nextStep: reads.options.includes('version')
          ? `Give a version by --version ${word}`
          : 'edge-manager local --help',
      },
    );
  }
  const known: ReadonlySet<string> = new Set(reads.options);
  const idle = options.find((option) => !known.has(option) && !READ_BY_ALL.has(option));
  if (idle === undefined) return;
  throw new EdgeError('OPTION_INVALID', `Cannot run '${command}' as it takes no --${idle}`, {
    nextStep: 'edge-manager local --help',
  });
}

function nameOf({ name }: Call): string {
  if (name !== undefined) return name;
  throw new EdgeError('OPTION_INVALID', 'Cannot run the command as the model name is missing', {
    nextStep: 'edge-manager local list',
  });
}

function timeoutOf(text: string | undefined): number {
  const timeoutMs = text === undefined ? 10_000 : Number(text);
  if (Number.isInteger(timeoutMs) && timeoutMs > 0) return timeoutMs;
  throw new EdgeError(
    'OPTION_INVALID',
    `Cannot use --timeout as it must be a number of milliseconds: current value is ${text}`,
  );
}

async function readInputs(file: string | undefined): Promise<WireTensor[]> {
  if (file === undefined) {
    throw new EdgeError('OPTION_INVALID', 'Cannot predict as --inputs is missing', {
      nextStep: 'Give a JSON file with the list of input tensors',
    });
  }
  const what = 'Cannot read the inputs';
  let parsed: unknown;
  try {
    parsed = JSON.parse(await readFile(file, 'utf8'));
  } catch (thrown) {
    throw new EdgeError('FILE_UNREADABLE', `${what}: ${toEdgeError(thrown).message}`, { cause: thrown });
  }
  return validate(Type.Array(WireTensor), parsed, what) as WireTensor[];
}
