import { Lexer, LineCounter, Parser, parseDocument } from 'yaml';
import type { Reason } from '../contract/mod.js';
import { EdgeError } from '../core/mod.js';

/** Far more than recipes, models, fleets and rollouts have: readers of nested values call themselves. */
const MAX_DEPTH = 64;
const MAX_ALIASES = 50;

export interface YamlOptions {
  /** Of the errors; default FILE_UNREADABLE. */
  readonly reason?: Reason;
  /** `failsafe`: all scalars are strings, as nucleus lite reads them. */
  readonly scalars?: 'core' | 'failsafe';
}

/**
 * The value of a YAML or JSON text. How deep it is nested is known before anything is built of it.
 * @param what for the error's sentence, such as "the fleets file"
 * @throws EdgeError INVALID_ARGUMENT where it is no YAML, nested too deep, or has too many aliases
 * @example
 * readYaml('fleets: {}', 'the fleets file'); // { fleets: {} }
 */
export function readYaml(text: string, what: string, options: YamlOptions = {}): unknown {
  const { reason = 'FILE_UNREADABLE', scalars = 'core' } = options;
  const refused = (why: string, cause?: unknown): EdgeError =>
    new EdgeError(reason, `Cannot read ${what} as it ${why}`, {
      cause,
      nextStep: 'Give YAML or JSON: correct the place that is named',
    });
  const deepLine = lineBeyondDepth(text);
  if (deepLine !== undefined) {
    throw refused(`must be nested at most ${MAX_DEPTH} levels deep: line ${deepLine} is deeper`);
  }
  const document = parseDocument(text, { schema: scalars, prettyErrors: true, stringKeys: true });
  const [problem] = document.errors;
  if (problem !== undefined) {
    const [sentence = problem.code] = problem.message.split('\n');
    throw refused(`is not YAML: ${sentence.replace(/:$/, '')}`, problem);
  }
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown;
  } catch (cause) {
    throw refused(`has more aliases than ${MAX_ALIASES}, or one that names nothing`, cause);
  }
}

/** The parser itself does not call itself: its stack tells how deep it is. */
function lineBeyondDepth(text: string): number | undefined {
  const lines = new LineCounter();
  const parser = new Parser(lines.addNewLine);
  let offset = 0;
  for (const lexeme of new Lexer().lex(text)) {
    // What it yields are whole documents, of no interest here.
    for (const _token of parser.next(lexeme)) continue;
    // One entry is the document's own.
    if (parser.stack.length > MAX_DEPTH + 1) return lines.linePos(offset).line;
    offset = parser.offset;
  }
  return undefined;
}
